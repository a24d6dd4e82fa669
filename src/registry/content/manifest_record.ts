import { digestBytes } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { type Hash, hashAlgorithm } from "../../spec/mod.ts";

/** A manifest with what the registry noted when it was pushed. */
export interface ManifestRecord {
  /** The media type that it was pushed as, which it is served as. */
  readonly mediaType: string;
  /** When it was pushed last, in milliseconds since 1970. */
  readonly uploaded: number;
  /** When its image was made, in milliseconds since 1970; 0 when it does not say. */
  readonly created: number;
  /** The sum of the sizes that its descriptors name. */
  readonly imageSize: number;
  /** The manifest that it refers to, if any. */
  readonly subject?: Hash;
  /** Its bytes as they were pushed. */
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

/** Reads a record; `undefined` when its bytes are not what the digest says: a spoilt manifest counts as missing. */
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
