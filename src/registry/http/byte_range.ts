/** A range of bytes. */
export interface BytePart {
  /** The first byte. */
  readonly offset: number;
  /** The number of bytes. */
  readonly length: number;
}

/**
 * Reads a `Range` header for content of a size (RFC 9110, section 14). Returns `"whole"` if there is none or one that a
 * server may ignore (another unit, several ranges), and `undefined` if the range has no byte of the content.
 */
export function parseRange(header: string | null, size: number): BytePart | "whole" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(" ", "") ?? "");
  if (!match || match[0] === "bytes=-") return "whole";
  const [, first, last] = match;
  const offset = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  return offset < end ? { offset, length: end - offset } : undefined;
}

/** Reads the `Content-Range` of a chunk (distribution-spec, "Pushing a blob in chunks"), which has a form of its own. */
export function parseContentRange(header: string): BytePart | undefined {
  const match = /^(\d+)-(\d+)$/.exec(header);
  if (!match) return undefined;
  const [offset, last] = [Number(match[1]), Number(match[2])];
  return last >= offset ? { offset, length: last - offset + 1 } : undefined;
}
