import { type AbortOptions, drain, measureStream } from "../io/mod.ts";
import type { ByteStream, HashAlgorithm } from "../runtime/mod.ts";
import type { Hash } from "../spec/mod.ts";
import type { Layer } from "./view.ts";

/** Reads a stream to its end, and returns its digest and its size. */
export async function digestStream(
  source: ByteStream,
  algorithm: HashAlgorithm = "sha256",
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
