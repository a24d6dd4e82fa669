import { type Hash, isHash } from "../../spec/mod.ts";

/** A digest as a segment of a record's key, which has no `:`. */
export function digestKey(digest: Hash): string {
  return digest.replace(":", "-");
}

/** The digests that these segments are of; what else there is, is nobody's. */
export function keyDigests(keys: readonly string[]): Hash[] {
  return keys.map((key) => key.replace("-", ":")).filter(isHash);
}
