/** The names of devices, which Windows also takes for them with an ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const ESCAPED = /^%([0-9a-f]+)%(.*?)%?$/;

/**
 * Returns the name of a segment's file, which no other segment has on a file system that ignores the case of letters, as
 * those of Windows and macOS do. A name with capitals, one that ends in a dot, and the name of a device are escaped:
 * `V1` is `%1%v1`, with the positions of the capitals as bits.
 */
export function segmentFile(segment: string): string {
  if (!/[A-Z]|\.$/.test(segment) && !DEVICE.test(segment)) return segment;
  const capitals = [...segment].reduce((bits, char, at) => /[A-Z]/.test(char) ? bits | 1n << BigInt(at) : bits, 0n);
  return `%${capitals.toString(16)}%${segment.toLowerCase()}${segment.endsWith(".") ? "%" : ""}`;
}

/** Returns the segment that {@linkcode segmentFile} made a name of. */
export function fileSegment(name: string): string {
  const [, bits, lower] = ESCAPED.exec(name) ?? [];
  if (bits === undefined) return name;
  const capitals = BigInt(`0x${bits}`);
  return [...lower].map((char, at) => capitals >> BigInt(at) & 1n ? char.toUpperCase() : char).join("");
}
