import { StreamLayerError, UnsupportedError } from "../errors.ts";
import type { BlobNode, ContentSink, FoundManifest, ManifestNode, PutOptions } from "../graph/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { streamOf, verifyBytes } from "../io/mod.ts";
import { type Descriptor, MediaType } from "../spec/mod.ts";
import type { BlobFiles } from "./blob_files.ts";

/** The blobs of a layout as a sink. What `index.json` lists is the layout's own affair: manifests get no names here. */
export class LayoutSink implements ContentSink {
  readonly id: string;
  readonly vouches = false;
  readonly #blobs: BlobFiles;

  /** Makes it over the blobs of the layout at a path. */
  constructor(path: string, blobs: BlobFiles) {
    this.id = `layout ${path}`;
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

  async putBlob({ content }: BlobNode, { signal, onBytes }: PutOptions): Promise<"done"> {
    onBytes?.(0);
    await this.#blobs.write(await content.open({ signal }), {
      signal,
      onBytes,
      identify() {
        if (content.identity) return Promise.resolve(content.identity);
        throw new StreamLayerError("a layer was read to its end and still has no digest");
      },
    });
    return "done";
  }

  async putManifest({ view, descriptor: { digest, mediaType } }: ManifestNode, { signal }: PutOptions): Promise<void> {
    const bytes = await view.rawManifest({ signal });
    if (mediaType === MediaType.DockerManifestSchema1Signed) {
      throw new UnsupportedError(`${digest} is a signed schema 1 manifest, whose digest is not that of its bytes`, {
        hint: "a layout can't hold it; copy it from registry to registry",
      });
    }
    const identity = { digest, size: bytes.length };
    await verifyBytes(bytes, identity, `manifest ${digest}`);
    await this.#blobs.write(streamOf(bytes), { signal, identify: () => Promise.resolve(identity) });
  }
}
