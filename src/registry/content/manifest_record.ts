import { digestBytes } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { type Hash, hashAlgorithm } from "../../spec/mod.ts";

/** A manifest with the facts that the registry noted when it was pushed. */
export interface ManifestRecord {
  /** The media type that it was pushed and is served as. */
  readonly mediaType: string;
  /** The time of its last push, in milliseconds since 1970. */
  readonly uploaded: number;
  /** The time when its image was made, in milliseconds since 1970; 0 if it is unknown. */
  readonly created: number;
  /** The sum of the sizes in its descriptors. */
  readonly imageSize: number;
  /** The manifest that it refers to, if any. */
  readonly subject?: Hash;
  /** Its bytes, verbatim. */
  readonly bytes: Bytes;
}

const NEWLINE = 0x0a;

/** Writes a record: a line of JSON, then the manifest's own bytes. */
export function encodeManifestRecord(record: ManifestRecord): Bytes {
  const { bytes, ...facts } = record;
  const line = new TextEncoder().encode(`${JSON.stringify(facts)}\n`);
  const encoded = new Uint8Array(line.length + bytes.length);
  encoded.set(line);
  encoded.set(bytes, line.length);
  return encoded;
}

/** Reads a record; `undefined` if its bytes do not have the digest: a spoilt manifest counts as missing. */
export async function decodeManifestRecord(encoded: Bytes, digest: Hash): Promise<ManifestRecord | undefined> {
  const end = encoded.indexOf(NEWLINE);
  const bytes = encoded.subarray(end + 1);
  if (end < 0 || await digestBytes(bytes, hashAlgorithm(digest)) !== digest) return undefined;
  try {
    return { ...JSON.parse(new TextDecoder().decode(encoded.subarray(0, end))), bytes };
  } catch {
    return undefined;
  }
}
