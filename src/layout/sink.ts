import { manifestBytes, storeBlob } from "../graph/internal.ts";
import type { BlobNode, ContentSink, FoundManifest, ManifestNode, PutOptions } from "../graph/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { resolvePath } from "../runtime/mod.ts";
import type { Descriptor } from "../spec/mod.ts";
import type { BlobFiles } from "./blob_files.ts";

/** The blobs of a layout as a sink. Manifests get no names, as `Layout` maintains `index.json` itself. */
export class LayoutSink implements ContentSink {
  readonly id: string;
  readonly vouches = false;
  readonly #blobs: BlobFiles;

  /** Creates a sink for the blobs of the layout at a path. */
  constructor(path: string, blobs: BlobFiles) {
    this.id = `layout ${resolvePath(path)}`;
    this.#blobs = blobs;
  }

  /** Returns `true`: content is hashed while it is written, into a file that is named afterwards. */
  takesUnidentified(): boolean {
    return true;
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return await this.#blobs.has(descriptor);
  }

  /** Verifies the bytes too, as a manifest is small. */
  async hasManifest({ digest, size }: Descriptor, { signal }: AbortOptions): Promise<FoundManifest> {
    const isThere = await this.#blobs.has({ digest, size });
    const isIntact = isThere && await this.#blobs.bytes({ digest, size }, { signal }).then(() => true, () => false);
    signal?.throwIfAborted();
    return { there: isIntact, unnamed: [] };
  }

  async putBlob(blob: BlobNode, options: PutOptions): Promise<"done"> {
    await this.#blobs.write(async (file) => (await storeBlob(blob, file, 0, options)).digest, options);
    return "done";
  }

  async putManifest(node: ManifestNode, { signal }: PutOptions): Promise<void> {
    const bytes = await manifestBytes(node, { signal });
    const { digest } = node.descriptor;
    await this.#blobs.write(async (file) => {
      await file.write(bytes, 0);
      return digest;
    }, { signal });
  }
}
