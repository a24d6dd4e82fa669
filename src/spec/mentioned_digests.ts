import { type Hash, isHash } from "./hash.ts";
import { parseJson, scanJson } from "./json.ts";

/** A digest of the shortest kind in quotes. */
const SHORTEST = '"sha256:"'.length + 64;
/** A digest of the longest kind in quotes with all of its characters escaped. */
const LONGEST = 2 + "\\u0000".length * ("sha512:".length + 128);

/**
 * Every digest that stands anywhere in a manifest as a string of its own: in fields that are known or not, as a value or
 * a key, and where another member of the same name hides it from some readers. Whatever type the manifest is of, no
 * content that it leads to is missed.
 *
 * @param what what to call the manifest in an error
 * @throws {ManifestError} when it is not JSON, or nested too deep to be read: what it mentions can't be known then.
 */
export function mentionedDigests(manifest: Uint8Array, what = "the manifest"): Set<Hash> {
  parseJson(manifest, what);
  const mentioned = new Set<Hash>();
  const decoder = new TextDecoder();
  scanJson(manifest, (string) => {
    if (string.length < SHORTEST || string.length > LONGEST) return;
    const text = JSON.parse(decoder.decode(string));
    if (isHash(text)) mentioned.add(text);
  });
  return mentioned;
}
