import { manifestView } from "../image/internal.ts";
import { type CompressedLayerCore, type Layer, layerFromCompressed, type OtherManifest } from "../image/mod.ts";
import { type AbortOptions, lazy, mapConcurrent } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { type NamedBlob, successors } from "./successors.ts";

/** The minimal core of an {@linkcode OtherManifest}. */
export interface OtherManifestCore {
  /** Reads the bytes of the manifest. */
  rawManifest(options?: AbortOptions): Promise<Bytes>;
  /** The manifest's descriptor in its source or its index. The digest of signed schema 1 is that of its payload. */
  readonly descriptor: Descriptor;
  /** Returns the blob of one of the manifest's descriptors. */
  blob(descriptor: Descriptor): Omit<CompressedLayerCore, "descriptor">;
  /**
   * Reads the size of a blob for which the manifest gives none.
   *
   * @default 0
   */
  sizeOf?(digest: Hash, options: AbortOptions): Promise<number>;
  /** The name of the manifest in an error: a reference or a path. */
  readonly what: string;
}

/** The number of sizes that are requested at the same time. */
const CONCURRENCY = 4;

/** Creates the view of a manifest that is neither an image nor an index. */
export function otherManifest(core: OtherManifestCore): OtherManifest {
  const { descriptor, what } = core;
  const blobs = lazy(async (): Promise<readonly Layer[]> => {
    const { config, blobs } = successors(await core.rawManifest(), descriptor.mediaType, what);
    const distinct = new Map<Hash, NamedBlob>();
    for (const blob of [...config ? [config] : [], ...blobs]) {
      if (!distinct.has(blob.digest)) distinct.set(blob.digest, blob);
    }
    return await mapConcurrent(distinct.values(), { concurrency: CONCURRENCY }, async (blob, signal) => {
      const size = blob.size ?? await core.sizeOf?.(blob.digest, { signal }) ?? 0;
      const full: Descriptor = { mediaType: "application/octet-stream", ...blob, size };
      return layerFromCompressed({ ...core.blob(full), descriptor: full });
    });
  });
  return { kind: "manifest", ...manifestView(core, what), blobs };
}
