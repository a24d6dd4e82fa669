import { type Hash, hashHexDigits, isHash } from "../../spec/mod.ts";

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

/** Splits a record's key into segments. @throws {TypeError} if it is malformed: see {@linkcode RegistryStore}. */
export function keySegments(key: string): string[] {
  const segments = key.split("/");
  if (segments.every((segment) => SEGMENT.test(segment))) return segments;
  throw new TypeError(`${JSON.stringify(key)} is not a key of a registry store`);
}

/** Splits a path to list into segments. @throws {TypeError} if it is malformed: see {@linkcode RegistryStore}. */
export function pathSegments(path: string): string[] {
  if (path === "") return [];
  const segments = path.split("/");
  if (segments.pop() === "" && segments.every((segment) => SEGMENT.test(segment))) return segments;
  throw new TypeError(`${JSON.stringify(path)} is not a path in a registry store`);
}

/** Returns a checked id. @throws {TypeError} if it is malformed: see {@linkcode RegistryStore}. */
export function checkUploadId(id: string): string {
  if (SEGMENT.test(id)) return id;
  throw new TypeError(`${JSON.stringify(id)} is not an upload id of a registry store`);
}

/** Returns whether a name has the form of a segment; other files on a disk are not the registry's. */
export function isSegment(name: string): boolean {
  return SEGMENT.test(name);
}

/** Writes a digest as a segment of a key, which has no `:`. */
export function digestKey(digest: Hash): string {
  return digest.replace(":", "-");
}

/** Returns the first two hexadecimal digits of a digest, by which the records of all digests are divided. */
export function digestPrefix(digest: Hash): string {
  return hashHexDigits(digest).slice(0, 2);
}

/** Reads the digests that segments of keys are written from; other segments are left out. */
export function keyDigests(keys: readonly string[]): Hash[] {
  return keys.map((key) => key.replace("-", ":")).filter(isHash);
}

/** Returns the position of the first name after one, in sorted names. */
export function positionAfter(names: readonly string[], after: string | undefined): number {
  let [low, high] = [0, after === undefined ? 0 : names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle] > after!) high = middle;
    else low = middle + 1;
  }
  return low;
}
