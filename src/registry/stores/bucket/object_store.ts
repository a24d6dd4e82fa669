import type { AbortOptions } from "../../../io/mod.ts";
import type { RegistryStore } from "../store.ts";
import { ObjectBlobs } from "./object_blobs.ts";
import type { ObjectBucket } from "./object_bucket.ts";
import { ObjectRecords } from "./object_records.ts";
import { ObjectUploads } from "./object_uploads.ts";

/** A store in a bucket. */
export interface BucketStore extends RegistryStore {
  /**
   * Tries whether the bucket heeds conditions of writes (`If-Match`, `If-None-Match`) and leaves nothing there. Where it
   * does not, two servers that are sent one upload at once do not notice one another, and only its digest shows that its
   * bytes are wrong: one server alone should work on such a bucket.
   *
   * @throws {StoreError} when the bucket can't be written to.
   */
  heedsConditions(options?: AbortOptions): Promise<boolean>;
}

/**
 * A store in a bucket of objects: records under `records/`, the bytes of blobs under `data/`, what they are the bytes of
 * under `blobs/`, and the states of uploads under `uploads/`.
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
