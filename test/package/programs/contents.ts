import { emptyImage, type Image, type Layer, layerFromBytes } from "@gcrane/gcrane/image";
import { appendLayers } from "@gcrane/gcrane/mutate";
import { type Bytes, type ByteStream, readTar, writeTar } from "@gcrane/gcrane/tar";

/** The texts of files, by their paths. */
export type Files = Readonly<Record<string, string>>;

/** Encodes a text as UTF-8. */
export function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Reads a stream to its end. */
export async function bytesOf(stream: ByteStream): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Makes a layer of files. */
export async function layerOf(files: Files): Promise<Layer> {
  const entries = Object.entries(files).map(([path, text]) => ({ path, content: encode(text) }));
  return await layerFromBytes(await bytesOf(writeTar(entries)));
}

/** Makes an image of one layer of files. */
export async function imageOf(files: Files): Promise<Image> {
  return appendLayers(emptyImage(), [await layerOf(files)]);
}

/** Reads the files of an archive. */
export async function filesOf(archive: ByteStream): Promise<Files> {
  const files: Record<string, string> = {};
  for await (const entry of readTar(archive)) {
    if (entry.type === "file") files[entry.path] = new TextDecoder().decode(await entry.bytes());
  }
  return files;
}
