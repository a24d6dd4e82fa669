import { type AbortOptions, Semaphore } from "../../io/mod.ts";
import type { RegistryStore } from "../stores/store.ts";

/** The number of blobs that a bucket lists at once. */
const PAGE = 1_000;

/** Returns the same store, of which a bounded number of calls are under way at a time. Uploads are not limited. */
export function limitCalls({ records, blobs, uploads }: RegistryStore, calls: number): RegistryStore {
  const limit = new Semaphore(calls);
  return {
    records: {
      get: (key, options) => limit.run(() => records.get(key, options), options),
      put: (key, value, options) => limit.run(() => records.put(key, value, options), options),
      delete: (key, options) => limit.run(() => records.delete(key, options), options),
      list: (path, options) => limit.run(() => records.list(path, options), options),
      ...(records.deleteMany && {
        deleteMany: (keys: readonly string[], options?: AbortOptions) =>
          limit.run(() => records.deleteMany!(keys, options), options),
      }),
    },
    blobs: {
      get: (digest, options) => limit.run(() => blobs.get(digest, options), options),
      delete: (digest, options) => limit.run(() => blobs.delete(digest, options), options),
      async *list(options) {
        const iterator = blobs.list(options)[Symbol.asyncIterator]();
        // A bucket is asked for each page; the blobs of a page need no permit.
        const next = (count: number) =>
          count % PAGE === 0 ? limit.run(() => iterator.next(), options) : iterator.next();
        try {
          for (let count = 0, result = await next(count); !result.done; result = await next(++count)) {
            yield result.value;
          }
        } finally {
          await iterator.return?.();
        }
      },
      ...(blobs.deleteMany && {
        deleteMany: (digests: Parameters<NonNullable<typeof blobs.deleteMany>>[0], options?: AbortOptions) =>
          limit.run(() => blobs.deleteMany!(digests, options), options),
      }),
    },
    uploads,
  };
}
