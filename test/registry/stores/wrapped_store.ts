import type { RegistryStore } from "../../../src/registry/mod.ts";

/** What a store does, as `part.method`; `blobs.read` is a read of a blob. */
export type StoreOperation =
  | "blobs.read"
  | { [Part in keyof RegistryStore]: `${Part}.${keyof RegistryStore[Part] & string}` }[keyof RegistryStore];

/** The same store, with something done before each call of it and each read of a blob; what is thrown, the call throws. */
export function wrapStore(
  { records, blobs, uploads }: RegistryStore,
  before: (operation: StoreOperation, ...args: unknown[]) => Promise<void>,
): RegistryStore {
  return {
    records: {
      async get(...args) {
        await before("records.get", ...args);
        return await records.get(...args);
      },
      async put(...args) {
        await before("records.put", ...args);
        return await records.put(...args);
      },
      ...(records.replace && {
        async replace(...args: Parameters<typeof records.replace>) {
          await before("records.replace", ...args);
          return await records.replace!(...args);
        },
      }),
      async delete(...args) {
        await before("records.delete", ...args);
        return await records.delete(...args);
      },
      ...(records.deleteMany && {
        async deleteMany(...args: Parameters<typeof records.deleteMany>) {
          await before("records.deleteMany", ...args);
          return await records.deleteMany!(...args);
        },
      }),
      async list(...args) {
        await before("records.list", ...args);
        return await records.list(...args);
      },
    },
    blobs: {
      async get(...args) {
        await before("blobs.get", ...args);
        const blob = await blobs.get(...args);
        return blob && {
          size: blob.size,
          modified: blob.modified,
          async read(range) {
            await before("blobs.read", args[0], range);
            return await blob.read(range);
          },
        };
      },
      async *list(...args) {
        await before("blobs.list", ...args);
        yield* blobs.list(...args);
      },
      async delete(...args) {
        await before("blobs.delete", ...args);
        return await blobs.delete(...args);
      },
      ...(blobs.deleteMany && {
        async deleteMany(...args: Parameters<typeof blobs.deleteMany>) {
          await before("blobs.deleteMany", ...args);
          return await blobs.deleteMany!(...args);
        },
      }),
    },
    uploads: {
      async *list(...args) {
        await before("uploads.list", ...args);
        yield* uploads.list(...args);
      },
      async size(...args) {
        await before("uploads.size", ...args);
        return await uploads.size(...args);
      },
      async append(...args) {
        await before("uploads.append", ...args);
        return await uploads.append(...args);
      },
      async finish(...args) {
        await before("uploads.finish", ...args);
        return await uploads.finish(...args);
      },
      async cancel(...args) {
        await before("uploads.cancel", ...args);
        return await uploads.cancel(...args);
      },
    },
  };
}
