import { NotFoundError } from "../../src/errors.ts";
import {
  type Image,
  imageFromCompressed,
  type ImageIndex,
  indexFrom,
  type Layer,
  layerFromCompressed,
} from "../../src/image/mod.ts";
import { compress, type CompressionKind, digestBytes, streamOf } from "../../src/io/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import {
  type Descriptor,
  type Hash,
  hashHexDigits,
  layerMediaType,
  MediaType,
  type Platform,
} from "../../src/spec/mod.ts";
import { type TarNewEntry, writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "./bytes.ts";
import { collect } from "./streams.ts";

/** A JSON object that a test may change. */
// deno-lint-ignore no-explicit-any
export type Json = Record<string, any>;

/** What {@linkcode MemorySource.addImage} makes. */
export interface ImageParts {
  /** The uncompressed content of each layer. */
  layers: Bytes[];
  /** The compression; gzip by default. */
  compression?: CompressionKind;
  /** The platform in the config; linux/amd64 by default. */
  platform?: Platform;
  /** Spoils the config before it is stored. */
  config?: (config: Json) => void;
  /** Spoils the manifest before it is stored. */
  manifest?: (manifest: Json) => void;
}

/** Blobs and manifests in memory, as a registry or a layout has them; blobs may be lies. */
export class MemorySource {
  /** Bytes by the digest that they go by. */
  readonly blobs = new Map<Hash, Bytes>();
  /** The digests of what was opened, in order. */
  readonly opened: Hash[] = [];
  /** How many streams are open now, and were at most. */
  readonly streams = { open: 0, most: 0 };

  /** Stores bytes. */
  async add(bytes: Bytes, mediaType: string): Promise<Descriptor> {
    const digest = await digestBytes(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Stores an image. */
  async addImage(parts: ImageParts): Promise<Descriptor> {
    const { compression = "gzip", platform = { os: "linux", architecture: "amd64" } } = parts;
    const layers: Descriptor[] = [];
    for (const tar of parts.layers) {
      const stored = await collect(compress(streamOf(tar), compression));
      layers.push(await this.add(stored, layerMediaType(MediaType.OciManifest, compression)));
    }
    const diffIds = await Promise.all(parts.layers.map((tar) => digestBytes(tar)));
    const config: Json = { ...platform, rootfs: { type: "layers", diff_ids: diffIds } };
    parts.config?.(config);
    const manifest: Json = {
      schemaVersion: 2,
      mediaType: MediaType.OciManifest,
      config: await this.add(jsonBytes(config), MediaType.OciConfig),
      layers,
    };
    parts.manifest?.(manifest);
    return await this.add(jsonBytes(manifest), MediaType.OciManifest);
  }

  /** Stores an index. */
  async addIndex(manifests: readonly Descriptor[], change?: (index: Json) => void): Promise<Descriptor> {
    const index = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests };
    change?.(index);
    return await this.add(jsonBytes(index), MediaType.OciImageIndex);
  }

  /** A view of an image; no more is known of it than its descriptor. */
  image(descriptor: Descriptor): Image {
    return imageFromCompressed({
      rawManifest: () => this.#read(descriptor),
      blob: (blob) => ({ compressed: () => this.open(blob) }),
      descriptor,
      what: "the image",
    });
  }

  /** A view of an index. */
  index(descriptor: Descriptor): ImageIndex {
    return indexFrom({
      rawManifest: () => this.#read(descriptor),
      image: (child) => this.image(child),
      index: (child) => this.index(child),
      blob: (child) => this.layer(child),
      descriptor,
      what: "the index",
    });
  }

  /** A view of a blob. */
  layer(descriptor: Descriptor): Layer {
    return layerFromCompressed({ descriptor, compressed: () => this.open(descriptor) });
  }

  /** Opens a blob, in chunks that are not too big to count. */
  async open(descriptor: Descriptor): Promise<ByteStream> {
    const bytes = await this.#read(descriptor);
    this.opened.push(descriptor.digest);
    const { streams } = this;
    streams.most = Math.max(streams.most, ++streams.open);
    let offset = 0;
    return new ReadableStream<Bytes>({
      pull(controller) {
        if (offset < bytes.length) return controller.enqueue(bytes.slice(offset, offset += 10_000));
        streams.open--;
        controller.close();
      },
      cancel: () => void streams.open--,
    }, { highWaterMark: 0 });
  }

  #read({ digest }: Descriptor): Promise<Bytes> {
    const bytes = this.blobs.get(digest);
    if (bytes) return Promise.resolve(bytes);
    return Promise.reject(new NotFoundError(`there is no ${hashHexDigits(digest)}`));
  }
}

/** A tar with these files, by name. */
export async function tarOf(files: Record<string, string>): Promise<Bytes> {
  const entries = Object.entries(files).map(([path, text]): TarNewEntry => ({ path, content: utf8(text) }));
  return await collect(writeTar(entries));
}

/** A tar with a file that compresses badly and takes several chunks to read. */
export async function bigTar(seed: number, size = 200_000): Promise<Bytes> {
  const content = new Uint8Array(size);
  for (let i = 0, state = seed; i < size; i++) {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    content[i] = state >>> 16;
  }
  return await collect(writeTar([{ path: `big${seed}`, content }]));
}
