import type { AbortOptions } from "../../../io/mod.ts";
import {
  type Bytes,
  type ByteStream,
  exists,
  joinPath,
  lstat,
  readDirectory,
  remove,
  resolvePath,
} from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm, hashHexDigits, isHash, parseHash } from "../../../spec/mod.ts";
import { atFile, missingIsUndefined } from "./file_access.ts";
import { FileBlob } from "./file_blob.ts";
import { FileRecords } from "./file_records.ts";
import { FileUploads } from "./file_uploads.ts";
import type {
  RegistryStore,
  StoreAppendOptions,
  StoredBlob,
  StoredUpload,
  StoreFinishOptions,
  StoreListOptions,
  StorePutOptions,
} from "../store.ts";
import { VerifiedFiles } from "./verified_files.ts";

/** Options of {@linkcode fileStore}. */
export interface FileStoreOptions {
  /**
   * Whether to wait until what must outlive a loss of power is on the disk. Without, the registry is faster, and stays
   * consistent even so: what a crash spoilt is noticed and counts as missing.
   * @default true
   */
  sync?: boolean;
}

/**
 * A store in a directory, which is made when something is written. Several processes may work on one.
 *
 * Records are files under `records`, blobs under `blobs`, uploads under `uploads`; all take their place by a rename.
 * A blob is hashed while it is uploaded. One that this process did not write itself is hashed once before its bytes
 * are relied upon, and again when the file has changed since; spoilt bytes are never served as the blob.
 */
export function fileStore(directory: string, options: FileStoreOptions = {}): RegistryStore {
  return new FileStore(resolvePath(directory), options.sync ?? true);
}

class FileStore implements RegistryStore {
  readonly #root: string;
  readonly #sync: boolean;
  readonly #records: FileRecords;
  readonly #uploads: FileUploads;
  readonly #verified: VerifiedFiles = new VerifiedFiles();

  constructor(root: string, sync: boolean) {
    this.#root = root;
    this.#sync = sync;
    this.#records = new FileRecords(joinPath(root, "records"));
    this.#uploads = new FileUploads(joinPath(root, "uploads"), sync);
  }

  get(key: string, options?: AbortOptions): Promise<Bytes | undefined> {
    return this.#records.get(key, options);
  }

  put(key: string, value: Bytes, options: StorePutOptions = {}): Promise<void> {
    const { durable = true, signal } = options;
    return this.#records.put(key, value, { sync: durable && this.#sync, signal });
  }

  delete(key: string, options?: AbortOptions): Promise<boolean> {
    return this.#records.delete(key, options);
  }

  list(path: string, options?: StoreListOptions): Promise<string[]> {
    return this.#records.list(path, options);
  }

  async blob(digest: Hash, options: AbortOptions = {}): Promise<StoredBlob | undefined> {
    options.signal?.throwIfAborted();
    const path = this.#blobPath(digest);
    const stat = await atFile("read", path, () => lstat(path).catch(missingIsUndefined));
    if (stat?.kind !== "file" || this.#verified.isSpoilt(path, stat)) return undefined;
    return new FileBlob(path, { digest, stat, verified: this.#verified });
  }

  async *blobs(options: AbortOptions = {}): AsyncGenerator<Hash, void, undefined> {
    options.signal?.throwIfAborted();
    for (const algorithm of ["sha256", "sha512"] as const) {
      const root = joinPath(this.#root, "blobs", algorithm);
      for (const folder of await namesIn(root)) {
        for (const hex of await namesIn(joinPath(root, folder))) {
          const digest = `${algorithm}:${hex}`;
          if (isHash(digest)) yield digest;
        }
      }
    }
  }

  async deleteBlob(digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const path = this.#blobPath(digest);
    return await atFile("remove", path, async () => {
      if (!await exists(path)) return false;
      await remove(path);
      return true;
    });
  }

  uploads(options?: AbortOptions): AsyncIterable<StoredUpload> {
    return this.#uploads.list(options);
  }

  uploadSize(id: string, options?: AbortOptions): Promise<number> {
    return this.#uploads.size(id, options);
  }

  appendUpload(id: string, body: ByteStream, options?: StoreAppendOptions): Promise<number> {
    return this.#uploads.append(id, body, options);
  }

  async finishUpload(id: string, digest: Hash, options: StoreFinishOptions = {}): Promise<number> {
    const target = this.#blobPath(digest);
    const stat = await this.#uploads.finish(id, digest, { target, ...options });
    this.#verified.mark(target, stat, "sound");
    return stat.size;
  }

  cancelUpload(id: string, options?: AbortOptions): Promise<void> {
    return this.#uploads.cancel(id, options);
  }

  #blobPath(digest: Hash): string {
    const hex = hashHexDigits(parseHash(digest));
    return joinPath(this.#root, "blobs", hashAlgorithm(digest), hex.slice(0, 2), hex);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await atFile("list", directory, () => readDirectory(directory).catch(missingIsUndefined));
  return (entries ?? []).map((entry) => entry.name);
}
