// Layers made of entries, which tell how they are read, and what an archive holds.

import { type Layer, layerFromCompressed, layerFromUncompressed } from "../../src/image/mod.ts";
import { compress, type CompressionKind, digestBytes, streamOf } from "../../src/io/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { layerMediaType, MediaType } from "../../src/spec/mod.ts";
import { readTar, type TarEntry, type TarNewEntry, type TarWriteOptions, writeTar } from "../../src/tar/mod.ts";
import { pieces, utf8 } from "./bytes.ts";
import { collect, track, type TrackedStream } from "./streams.ts";
import { FileTree, type Item } from "./file_tree.ts";

/** A layer, and the streams that were opened of it. */
export interface TestLayer {
  layer: Layer;
  opened: TrackedStream[];
}

/** How a {@linkcode TestLayer} is stored. */
export interface TestLayerOptions {
  /** The compression; none by default. */
  compression?: CompressionKind;
  /** How long the chunks of its stream are. */
  chunkSize?: number;
  /** Spoils the stored bytes after their digest was taken. */
  spoil?: (stored: Bytes) => Bytes;
}

/** A file with this text. */
export function file(path: string, content = `content of ${path}`, more: Partial<TarNewEntry> = {}): TarNewEntry {
  return { path, content: utf8(content), mode: 0o644, ...more };
}

/** A directory. */
export function directory(path: string, mode = 0o755): TarNewEntry {
  return { path: `${path}/`, type: "directory", mode };
}

/** A hard link. */
export function link(path: string, linkname: string): TarNewEntry {
  return { path, type: "link", linkname };
}

/** A symbolic link. */
export function symlink(path: string, linkname: string): TarNewEntry {
  return { path, type: "symlink", linkname };
}

/** An archive of these entries. */
export function tarOf(entries: readonly TarNewEntry[], options?: TarWriteOptions): Promise<Bytes> {
  return collect(writeTar(entries, options));
}

/** A layer of these bytes, with a digest that is verified. */
export async function layerOf(tar: Bytes, options: TestLayerOptions = {}): Promise<TestLayer> {
  const { compression = "none", chunkSize = 64 * 1024, spoil = (bytes) => bytes } = options;
  const stored = await collect(compress(streamOf(tar), compression));
  const opened: TrackedStream[] = [];
  const spoilt = spoil(stored);
  const layer = layerFromCompressed({
    descriptor: {
      mediaType: layerMediaType(MediaType.OciManifest, compression),
      digest: await digestBytes(stored),
      size: stored.length,
    },
    diffId: () => digestBytes(tar),
    compressed: () => {
      const tracked = track(pieces(spoilt, chunkSize));
      opened.push(tracked);
      return Promise.resolve(tracked.stream);
    },
    what: "the layer",
  });
  return { layer, opened };
}

/** A layer of these entries. */
export async function layer(...entries: TarNewEntry[]): Promise<TestLayer> {
  return await layerOf(await tarOf(entries));
}

/** Creates a layer whose bytes are not verified, for a test with very many of them. */
export function uncheckedLayer(open: () => ByteStream): Layer {
  return layerFromUncompressed({
    uncompressed: () => Promise.resolve(open()),
    diffId: () => Promise.reject(new Error("nobody asks for the diff id")),
    compression: "none",
  });
}

/** What `read` makes of the entries of an archive, in its order. */
export async function listOf<T>(archive: ByteStream, read: (entry: TarEntry) => T | Promise<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const entry of readTar(archive)) list.push(await read(entry));
  return list;
}

/** The entries of an archive, in its order. */
export function itemsOf(archive: ByteStream): Promise<Item[]> {
  return listOf(archive, async (entry) => {
    const { path, type, mode, linkname } = entry;
    return {
      path,
      type,
      mode,
      ...(linkname === "" ? {} : { linkname }),
      ...(type === "file" ? { content: new TextDecoder().decode(await entry.bytes()) } : {}),
      ...(type === "characterDevice" ? { device: `${entry.devMajor}:${entry.devMinor}` } : {}),
    };
  });
}

/** What unpacking an archive gives. */
export function unpacked(items: readonly Item[]): FileTree {
  const tree = new FileTree();
  for (const item of items) tree.unpack(item);
  return tree;
}
