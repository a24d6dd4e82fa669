import { type BucketStore, objectStore } from "./object_store.ts";
import type { R2BucketLike } from "./r2_binding.ts";
import { R2ObjectBucket } from "./r2_bucket.ts";

/**
 * A store in an R2 bucket that is bound to a Worker. All state is in there, uploads too, so that any instance of the
 * Worker goes on with what another began. A blob is written once, in parts of 8 MiB as it comes, which R2 allows 10,000
 * of; two parts of each upload at most are in memory.
 */
export function r2Store(bucket: R2BucketLike): BucketStore {
  return objectStore(new R2ObjectBucket(bucket));
}
