import { type Hash, isHash } from "../../spec/mod.ts";

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

/** The segments of a record's key. @throws {TypeError} when it is not one: see {@linkcode RegistryStore}. */
export function keySegments(key: string): string[] {
  const segments = key.split("/");
  if (segments.every((segment) => SEGMENT.test(segment))) return segments;
  throw new TypeError(`${JSON.stringify(key)} is not a key of a registry store`);
}

/** The segments of a path to list. @throws {TypeError} when it is not one: see {@linkcode RegistryStore}. */
export function pathSegments(path: string): string[] {
  if (path === "") return [];
  const segments = path.split("/");
  if (segments.pop() === "" && segments.every((segment) => SEGMENT.test(segment))) return segments;
  throw new TypeError(`${JSON.stringify(path)} is not a path in a registry store`);
}

/** The same id. @throws {TypeError} when it is not one: see {@linkcode RegistryStore}. */
export function checkUploadId(id: string): string {
  if (SEGMENT.test(id)) return id;
  throw new TypeError(`${JSON.stringify(id)} is not an upload id of a registry store`);
}

/** Whether a name could be a segment of a key; what else a disk holds is not the registry's. */
export function isSegment(name: string): boolean {
  return SEGMENT.test(name);
}

/** A digest as a segment of a record's key, which has no `:`. */
export function digestKey(digest: Hash): string {
  return digest.replace(":", "-");
}

/** The digests that these segments are of; what else there is, is nobody's. */
export function keyDigests(keys: readonly string[]): Hash[] {
  return keys.map((key) => key.replace("-", ":")).filter(isHash);
}
