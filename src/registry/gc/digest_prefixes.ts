/** The prefixes of digests that a collection covers, by the values of their first two hexadecimal digits. */
export interface DigestPrefixes {
  /** The first one, from 0. */
  readonly first: number;
  /** The last one, at most 255. */
  readonly last: number;
}

/** Reads prefixes such as `00-3f` or `a7`. @throws {RangeError} if the text is none. */
export function parsePrefixes(text: string): DigestPrefixes {
  const [, from, to = from] = /^([0-9a-f]{2})(?:-([0-9a-f]{2}))?$/.exec(text) ?? [];
  const [first, last] = [parseInt(from, 16), parseInt(to, 16)];
  if (first <= last) return { first, last };
  throw new RangeError(`${JSON.stringify(text)} is not a prefix of digests, as a7, or a range of them, as 00-3f`);
}

/** Writes the two digits of a prefix. */
export function prefixDigits(prefix: number): string {
  return prefix.toString(16).padStart(2, "0");
}
