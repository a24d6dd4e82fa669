import { type AbortOptions, digestBytes as hashBytes, drain, measureStream } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { Algorithm, Hash } from "../spec/mod.ts";
import type { Layer } from "./view.ts";

/** Returns the digest of bytes in memory. */
export async function digestBytes(bytes: Uint8Array, algorithm: Algorithm = "sha256"): Promise<Hash> {
  return await hashBytes(bytes, algorithm);
}

/** Reads a stream to its end, and returns its digest and its size. */
export async function digestStream(
  source: ByteStream,
  algorithm: Algorithm = "sha256",
): Promise<{ digest: Hash; size: number }> {
  const { stream, measured } = measureStream(source, algorithm);
  await drain(stream);
  return await measured;
}

/** Returns the number of bytes of a layer's tar, which is read for it. A streaming layer can't be read again. */
export async function uncompressedSize(layer: Layer, options: AbortOptions = {}): Promise<number> {
  options.signal?.throwIfAborted();
  return await drain(await layer.uncompressed(options));
}
