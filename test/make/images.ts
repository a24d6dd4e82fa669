// Images, and layers that are opened in ways of the test's own.

import { gzipSync } from "node:zlib";
import {
  type Image,
  imageFromUncompressed,
  type Layer,
  layerFromCompressed,
  streamLayer,
} from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "./bytes.ts";
import { collect, inChunks } from "./streams.ts";

/** A tar with one file. */
export async function tarOf(name: string, content: string | Bytes): Promise<Bytes> {
  return await collect(writeTar([{ path: name, content: typeof content === "string" ? utf8(content) : content }]));
}

/** How a layer of a test is made. */
export interface TestLayerOptions {
  /** Compressed or not. */
  compression?: "gzip" | "none";
  /** The media type. */
  mediaType?: string;
  /** Is called each time the layer is opened, and may give another stream. */
  onOpen?: (stream: ByteStream, signal?: AbortSignal) => ByteStream | Promise<ByteStream>;
  /** URLs for its descriptor. */
  urls?: string[];
}

/** Creates a layer with a known digest, by default stored as gzip. */
export async function testLayer(content: Bytes, options: TestLayerOptions = {}): Promise<Layer> {
  const { compression = "gzip", onOpen = (stream) => stream, urls } = options;
  const stored: Bytes = compression === "gzip" ? new Uint8Array(gzipSync(content)) : content;
  const mediaType = options.mediaType ?? (compression === "gzip" ? MediaType.OciLayerGzip : MediaType.OciLayer);
  const diffId = await digestBytes(content);
  return layerFromCompressed({
    descriptor: { mediaType, digest: await digestBytes(stored), size: stored.length, ...(urls ? { urls } : {}) },
    compressed: async ({ signal } = {}) => await onOpen(inChunks(stored), signal),
    diffId: () => Promise.resolve(diffId),
  });
}

/** An image of these layers, with the config that follows from them; it is computed when it is asked for. */
export function imageOf(layers: readonly Layer[], options: { mediaType?: string; author?: string } = {}): Image {
  return imageFromUncompressed({
    rawConfigFile: async () =>
      jsonBytes({
        architecture: "amd64",
        os: "linux",
        ...(options.author ? { author: options.author } : {}),
        config: {},
        rootfs: { type: "layers", diff_ids: await Promise.all(layers.map((layer) => layer.diffId())) },
      }),
    layers: () => Promise.resolve(layers),
    mediaType: options.mediaType,
  });
}

/** An image of two layers with these texts in them. */
export async function textImage(...texts: string[]): Promise<Image> {
  return imageOf(
    await Promise.all(texts.map(async (text, index) => await testLayer(await tarOf(`${index}.txt`, text)))),
  );
}

/** A layer that is a stream: no digest before it is read. */
export function streamingLayer(content: Bytes): Layer {
  return streamLayer(inChunks(content));
}

/** A large layer that nothing compresses. */
export async function randomLayer(size: number, options: TestLayerOptions = {}): Promise<Layer> {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(content.subarray(at, at + 65536));
  return await testLayer(await tarOf("random", content), { ...options, compression: "none" });
}
