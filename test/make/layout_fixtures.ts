// What the tests of layouts and tarballs are made of: folders, images, and layers that misbehave on cue.

import fs from "node:fs";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import {
  type Image,
  imageFromUncompressed,
  type Layer,
  layerFromCompressed,
  streamLayer,
} from "../../src/image/mod.ts";
import { digestBytes, readAll } from "../../src/io/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { type Hash, jsonBytes, MediaType } from "../../src/spec/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";

/** Runs a test with a folder of its own, which is gone afterwards. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_test_"));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The paths of all files under a folder, sorted; a path alone stands for itself. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** UTF-8. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** All of a stream, as bytes. */
export async function bytesOf(stream: ByteStream): Promise<Bytes> {
  return await readAll(stream, { limit: 2 ** 31, what: "a stream of a test" });
}

/** A tar with one file. */
export async function tarOf(name: string, content: string | Bytes): Promise<Bytes> {
  return await bytesOf(writeTar([{ path: name, content: typeof content === "string" ? utf8(content) : content }]));
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

/** A layer with a known digest, stored with gzip unless told otherwise. */
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

/** Bytes in chunks of 1000. */
export function inChunks(bytes: Bytes): ByteStream {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += 1000));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** A stream that gives its first chunk and then fails. */
export function failing(stream: ByteStream, error: Error): ByteStream {
  const reader = stream.getReader();
  let given = false;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (given) throw error;
      given = true;
      controller.enqueue((await reader.read()).value!);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** A stream that gives its first chunk, says so, and then nothing until it is cancelled. */
export function stalling(stream: ByteStream, onStall: () => void, onCancel: () => void = () => {}): ByteStream {
  const reader = stream.getReader();
  let given = false;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (given) return await new Promise<void>(onStall);
      given = true;
      controller.enqueue((await reader.read()).value!);
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

/** A place where so many must meet before any goes on. */
export function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return () => {
    if (--count === 0) resolve();
    return promise;
  };
}

/** Runs `work` while files are opened by `open` instead of by node:fs. */
export async function withOpen<T>(
  open: (real: typeof fs.promises.open) => (...args: Parameters<typeof fs.promises.open>) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const real = fs.promises.open;
  Object.assign(fs.promises, { open: open(real) });
  try {
    return await work();
  } finally {
    Object.assign(fs.promises, { open: real });
  }
}

/** Runs `work` on a disk that is full once so many bytes were written to a file. */
export async function onFullDisk<T>(limit: number, work: () => Promise<T>): Promise<T> {
  return await withOpen((real) => async (...args) => {
    const handle = await real(...args);
    const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
    let left = limit;
    return Object.assign(handle, {
      async write(...args: unknown[]) {
        const { bytesWritten } = await write(...args);
        left -= bytesWritten;
        if (left < 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        return { bytesWritten };
      },
    });
  }, work);
}

/** Runs `work` with a folder for temporary files, in which nothing may be left. */
export async function leavingNothing(work: () => Promise<void>): Promise<void> {
  const before = process.env.TMPDIR;
  await inFolder(async (folder) => {
    process.env.TMPDIR = folder;
    try {
      await work();
      assertEquals(readdirSync(folder), []);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });
}

/** A large layer that nothing compresses. */
export async function randomLayer(size: number, options: TestLayerOptions = {}): Promise<Layer> {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(content.subarray(at, at + 65536));
  return await testLayer(await tarOf("random", content), { ...options, compression: "none" });
}

/** The place of a blob in a layout. */
export function blobPath(layoutPath: string, digest: Hash): string {
  const [algorithm, hex] = digest.split(":");
  return join(layoutPath, "blobs", algorithm, hex);
}
