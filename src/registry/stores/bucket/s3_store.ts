import { isHeaderText } from "../../../io/mod.ts";
import { type BucketStore, objectStore } from "./object_store.ts";
import { S3Bucket } from "./s3_bucket.ts";
import type { S3StoreOptions } from "./s3_options.ts";

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const PREFIX = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*$/;

/**
 * A store in a bucket of S3 or of a service that speaks as it does. Any number of servers may work on one bucket: all
 * state is in there, uploads too, and each server goes on with what another began.
 *
 * A blob is written once, in parts as it comes, hashed on the way, and never read or copied to finish it. Two parts of
 * each upload at most are in memory. The service must let all see at once what one has written, as S3 does. Where it
 * heeds `If-Match` and `If-None-Match` of writes, two servers that are sent the same upload at once notice: one goes on
 * with it. Elsewhere the digest shows it in the end; {@linkcode BucketStore.heedsConditions} tells the two apart.
 *
 * @throws {TypeError} when the endpoint, the bucket or the prefix can't be one, or no header can carry the keys.
 */
export function s3Store(options: S3StoreOptions): BucketStore {
  const { endpoint, bucket, prefix = "" } = options;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new TypeError(`the S3 endpoint ${JSON.stringify(endpoint)} is not a URL of http or https`);
  }
  if (!BUCKET.test(bucket)) throw new TypeError(`${JSON.stringify(bucket)} is not the name of an S3 bucket`);
  if (!PREFIX.test(prefix)) {
    throw new TypeError(`the S3 prefix ${JSON.stringify(prefix)} is not of names that each end with a slash`);
  }
  if (![options.accessKeyId, options.sessionToken ?? ""].every(isHeaderText)) {
    throw new TypeError("the access key or the session token for S3 has characters that no header can carry");
  }
  return objectStore(new S3Bucket(options));
}
