import { isSegment } from "../store_key.ts";

/** The files that segments of keys have. */
export interface FileNames {
  /** Returns the name of a segment's file. */
  fileOf(segment: string): string;
  /** Returns the segment of a file; `undefined` for the file of none. */
  segmentOf(file: string): string | undefined;
}

/** Each segment is the name of its file. */
export const PLAIN: FileNames = {
  fileOf: (segment) => segment,
  segmentOf: (file) => isSegment(file) ? file : undefined,
};

/**
 * The names of files on a file system that ignores the case of letters, as those of Windows and macOS do. A name with
 * capitals, one that ends in a dot, and the name of a device are escaped: `V1` is `%1%v1`, with the positions of the
 * capitals as bits.
 */
export const CASE_BLIND: FileNames = {
  fileOf: escapedName,
  segmentOf(file) {
    const segment = plainName(file);
    return isSegment(segment) && escapedName(segment) === file ? segment : undefined;
  },
};

/** The names of devices, which Windows also takes for them with an ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const ESCAPED = /^%([0-9a-f]+)%(.*?)%?$/;

function escapedName(segment: string): string {
  if (!/[A-Z]|\.$/.test(segment) && !DEVICE.test(segment)) return segment;
  const capitals = [...segment].reduce((bits, char, at) => /[A-Z]/.test(char) ? bits | 1n << BigInt(at) : bits, 0n);
  return `%${capitals.toString(16)}%${segment.toLowerCase()}${segment.endsWith(".") ? "%" : ""}`;
}

function plainName(name: string): string {
  const [, bits, lower] = ESCAPED.exec(name) ?? [];
  if (bits === undefined) return name;
  const capitals = BigInt(`0x${bits}`);
  return [...lower].map((char, at) => capitals >> BigInt(at) & 1n ? char.toUpperCase() : char).join("");
}
