import {
  type BlobNode,
  type ContentSink,
  type FoundManifest,
  manifestBytes,
  type ManifestNode,
  openBlob,
  type PutOptions,
} from "../graph/mod.ts";
import { type AbortOptions, streamOf } from "../io/mod.ts";
import { resolvePath } from "../runtime/mod.ts";
import type { Descriptor } from "../spec/mod.ts";
import type { BlobFiles } from "./blob_files.ts";

/** The blobs of a layout as a sink. What `index.json` lists is the layout's own affair: manifests get no names here. */
export class LayoutSink implements ContentSink {
  readonly id: string;
  readonly vouches = false;
  readonly #blobs: BlobFiles;

  /** Makes it over the blobs of the layout at a path. */
  constructor(path: string, blobs: BlobFiles) {
    this.id = `layout ${resolvePath(path)}`;
    this.#blobs = blobs;
  }

  /** Content is hashed as it is written, into a file that gets its name afterwards. */
  takesUnidentified(): boolean {
    return true;
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return await this.#blobs.has(descriptor);
  }

  /** Manifests are small enough to look whether they are whole. */
  async hasManifest({ digest, size }: Descriptor, { signal }: AbortOptions): Promise<FoundManifest> {
    const isThere = await this.#blobs.has({ digest, size });
    const isIntact = isThere && await this.#blobs.bytes({ digest, size }, { signal }).then(() => true, () => false);
    signal?.throwIfAborted();
    return { there: isIntact, unnamed: [] };
  }

  async putBlob(blob: BlobNode, options: PutOptions): Promise<"done"> {
    await this.#blobs.write(await openBlob(blob, options), {
      signal: options.signal,
      // The stream has seen to it that the content knows by now what it is.
      identify: () => Promise.resolve(blob.content.identity!),
    });
    return "done";
  }

  async putManifest(node: ManifestNode, { signal }: PutOptions): Promise<void> {
    const bytes = await manifestBytes(node, { signal });
    const { digest } = node.descriptor;
    await this.#blobs.write(streamOf(bytes), {
      signal,
      identify: () => Promise.resolve({ digest, size: bytes.length }),
    });
  }
}
