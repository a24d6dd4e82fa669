/** A part of something of a known size. */
export interface BytePart {
  /** The first byte. */
  readonly offset: number;
  /** The number of bytes. */
  readonly length: number;
}

/**
 * Reads a `Range` header against the size of what is asked for (RFC 9110, section 14). `"whole"` when there is none or
 * it is one that a server may ignore: another unit, or several ranges. `undefined` when no byte of it is there.
 */
export function parseRange(header: string | null, size: number): BytePart | "whole" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(" ", "") ?? "");
  if (!match || match[0] === "bytes=-") return "whole";
  const [, first, last] = match;
  const offset = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  return offset < end ? { offset, length: end - offset } : undefined;
}

/** Reads the `Content-Range` of a chunk (distribution-spec, "Pushing a blob in chunks"), which is not the RFC's form. */
export function parseContentRange(header: string): BytePart | undefined {
  const match = /^(\d+)-(\d+)$/.exec(header);
  if (!match) return undefined;
  const [offset, last] = [Number(match[1]), Number(match[2])];
  return last >= offset ? { offset, length: last - offset + 1 } : undefined;
}
