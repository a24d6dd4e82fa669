import type { RegistryStore } from "../../../src/registry/mod.ts";

/** What a store does, by the name of its method. */
export type StoreOperation = keyof RegistryStore | "read";

/** The same store, with something done before each call of it and each read of a blob; what is thrown, the call throws. */
export function wrapStore(
  store: RegistryStore,
  before: (operation: StoreOperation, ...args: unknown[]) => Promise<void>,
): RegistryStore {
  return {
    async get(...args) {
      await before("get", ...args);
      return await store.get(...args);
    },
    async put(...args) {
      await before("put", ...args);
      return await store.put(...args);
    },
    async delete(...args) {
      await before("delete", ...args);
      return await store.delete(...args);
    },
    async list(...args) {
      await before("list", ...args);
      return await store.list(...args);
    },
    async blob(...args) {
      await before("blob", ...args);
      const blob = await store.blob(...args);
      return blob && {
        ...blob,
        size: blob.size,
        modified: blob.modified,
        async read(range) {
          await before("read", args[0], range);
          return await blob.read(range);
        },
      };
    },
    async *blobs(...args) {
      await before("blobs", ...args);
      yield* store.blobs(...args);
    },
    async deleteBlob(...args) {
      await before("deleteBlob", ...args);
      return await store.deleteBlob(...args);
    },
    async *uploads(...args) {
      await before("uploads", ...args);
      yield* store.uploads(...args);
    },
    async uploadSize(...args) {
      await before("uploadSize", ...args);
      return await store.uploadSize(...args);
    },
    async appendUpload(...args) {
      await before("appendUpload", ...args);
      return await store.appendUpload(...args);
    },
    async finishUpload(...args) {
      await before("finishUpload", ...args);
      return await store.finishUpload(...args);
    },
    async cancelUpload(...args) {
      await before("cancelUpload", ...args);
      return await store.cancelUpload(...args);
    },
  };
}
