import {
  type CompressedLayerCore,
  type Layer,
  layerFromCompressed,
  manifestView,
  type OtherManifest,
} from "../image/mod.ts";
import { type AbortOptions, lazy, mapConcurrent } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { type NamedBlob, successors } from "./successors.ts";

/** The least that makes an {@linkcode OtherManifest}. */
export interface OtherManifestCore {
  /** Returns the bytes of the manifest. */
  rawManifest(options?: AbortOptions): Promise<Bytes>;
  /** What its source or its index says of it. The digest of signed schema 1 is that of its payload. */
  readonly descriptor: Descriptor;
  /** Returns the blob that a descriptor of the manifest points at. */
  blob(descriptor: Descriptor): Omit<CompressedLayerCore, "descriptor">;
  /**
   * Returns the size of a blob for which the manifest gives none.
   * @default 0
   */
  sizeOf?(digest: Hash, options: AbortOptions): Promise<number>;
  /** What to call the manifest in an error: a reference, a path. */
  readonly what: string;
}

/** How many sizes are asked for at the same time. */
const CONCURRENCY = 4;

/** Makes the view of a manifest that is neither an image nor an index. */
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
