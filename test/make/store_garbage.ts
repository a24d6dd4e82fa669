import { collectStoreGarbage, type CollectStoreGarbageOptions, type GarbageBlob } from "../../src/registry/mod.ts";

/** Collects the garbage of a store, and returns all that was removed, the blobs by digest. */
export async function collectedGarbage(
  store: Parameters<typeof collectStoreGarbage>[0],
  options: CollectStoreGarbageOptions = {},
): Promise<{ blobs: GarbageBlob[]; bytes: number; uploads: string[] }> {
  const blobs: GarbageBlob[] = [];
  const uploads: string[] = [];
  const { bytes } = await collectStoreGarbage(store, {
    ...options,
    onBlob: (blob) => blobs.push(blob),
    onUpload: (id) => uploads.push(id),
  });
  return { blobs: blobs.sort((one, other) => one.digest < other.digest ? -1 : 1), bytes, uploads };
}
