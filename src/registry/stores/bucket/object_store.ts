import type { AbortOptions } from "../../../io/mod.ts";
import type { RegistryStore } from "../store.ts";
import { ObjectBlobs } from "./object_blobs.ts";
import type { ObjectBucket } from "./object_bucket.ts";
import { ObjectRecords } from "./object_records.ts";
import { ObjectUploads } from "./object_uploads.ts";

/** A store in a bucket. */
export interface BucketStore extends RegistryStore {
  /**
   * Tests whether the bucket honours conditions of writes (`If-Match`, `If-None-Match`), and leaves nothing there. If it
   * does not, two servers that get the same upload at once do not detect each other, and only the digest reveals the
   * wrong bytes: only one server should use such a bucket.
   *
   * @throws {StoreError} if the bucket can't be written to.
   */
  heedsConditions(options?: AbortOptions): Promise<boolean>;
}

/**
 * Makes a store in a bucket: records under `records/`, the bytes of blobs under `data/`, their entries under `blobs/`, and
 * the states of uploads under `uploads/`.
 */
export function objectStore(bucket: ObjectBucket): BucketStore {
  return {
    records: new ObjectRecords(bucket),
    blobs: new ObjectBlobs(bucket),
    uploads: new ObjectUploads(bucket),
    heedsConditions: (options) => heedsConditions(bucket, options),
  };
}

async function heedsConditions(bucket: ObjectBucket, options: AbortOptions = {}): Promise<boolean> {
  const key = `probes/${crypto.randomUUID()}`;
  const put = (value: string, onlyIf?: string) =>
    bucket.put(key, new TextEncoder().encode(value), { ...options, onlyIf });
  try {
    const first = await put("first", "absent");
    const second = await put("second", first);
    const refused = [await put("third", first), await put("third", "absent")];
    return second !== undefined && refused.every((etag) => etag === undefined);
  } finally {
    await bucket.delete(key);
  }
}
