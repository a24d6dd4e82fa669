import { DigestMismatchError, StoreError } from "../../../errors.ts";
import { type AbortOptions, drain, missingIsUndefined } from "../../../io/mod.ts";
import {
  type ByteStream,
  exists,
  type FileStat,
  joinPath,
  lstat,
  type OpenFile,
  openFile,
  readDirectory,
  remove,
} from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm, hashHexDigits, isHash, parseHash } from "../../../spec/mod.ts";
import { heldBack } from "../held_back.ts";
import { RunningHash } from "../running_hash.ts";
import type { BlobListOptions, BlobRange, BlobStore, StoredBlob, StoreUsage } from "../store.ts";
import { atFile } from "./file_access.ts";
import { VerifiedFiles } from "./verified_files.ts";

/** The blobs of a file store: the file of a blob has the path of its digest. */
export class FileBlobs implements BlobStore {
  /** The files that need not be hashed again. */
  readonly verified: VerifiedFiles = new VerifiedFiles();
  readonly #root: string;

  /** Makes the blobs of a directory, which need not exist yet. */
  constructor(root: string) {
    this.#root = root;
  }

  /** @inheritdoc */
  async get(digest: Hash, options: AbortOptions = {}): Promise<StoredBlob | undefined> {
    options.signal?.throwIfAborted();
    const path = this.path(digest);
    const stat = await atFile("read", path, () => lstat(path).catch(missingIsUndefined));
    if (stat?.kind !== "file" || this.verified.isSpoilt(path, stat)) return undefined;
    return new FileBlob(path, { digest, stat, verified: this.verified });
  }

  /** @inheritdoc */
  async *list({ prefix, signal }: BlobListOptions = {}): AsyncGenerator<Hash, void, undefined> {
    signal?.throwIfAborted();
    for (const algorithm of prefix ? [prefix.algorithm] : ["sha256", "sha512"] as const) {
      const root = joinPath(this.#root, algorithm);
      for (const folder of prefix ? [prefix.digits] : await namesIn(root)) {
        for (const hex of await namesIn(joinPath(root, folder))) {
          const digest = `${algorithm}:${hex}`;
          if (isHash(digest)) yield digest;
        }
      }
    }
  }

  /** @inheritdoc */
  async usage(options: AbortOptions = {}): Promise<StoreUsage> {
    const usage = { blobs: 0, bytes: 0 };
    for await (const digest of this.list(options)) {
      options.signal?.throwIfAborted();
      const stat = await lstat(this.path(digest)).catch(missingIsUndefined);
      if (stat?.kind !== "file") continue;
      usage.blobs++;
      usage.bytes += stat.size;
    }
    return usage;
  }

  /** @inheritdoc */
  async delete(digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const path = this.path(digest);
    return await atFile("remove", path, async () => {
      if (!await exists(path)) return false;
      await remove(path);
      return true;
    });
  }

  /** Returns the path of a blob's file. */
  path(digest: Hash): string {
    const hex = hashHexDigits(parseHash(digest));
    return joinPath(this.#root, hashAlgorithm(digest), hex.slice(0, 2), hex);
  }
}

/** A blob in a file. A file that was not hashed yet is hashed before its last bytes are passed on. */
class FileBlob implements StoredBlob {
  readonly size: number;
  readonly modified: number;
  readonly #path: string;
  readonly #digest: Hash;
  readonly #verified: VerifiedFiles;

  constructor(path: string, options: { digest: Hash; stat: FileStat; verified: VerifiedFiles }) {
    this.#path = path;
    this.#digest = options.digest;
    this.#verified = options.verified;
    this.size = options.stat.size;
    this.modified = options.stat.mtimeMs;
  }

  async read(range: BlobRange & AbortOptions = {}): Promise<ByteStream> {
    const { offset = 0, length = this.size - offset, signal } = range;
    const file = await atFile("read", this.#path, () => openFile(this.#path, { noFollow: true }));
    try {
      const stat = await file.stat();
      if (stat.size !== this.size) throw changed(this.#path);
      if (!this.#verified.isSound(this.#path, stat)) {
        const whole = offset === 0 && length >= this.size;
        if (whole) return this.#verify(file, stat, { closeWhenDone: true, signal });
        await drain(this.#verify(file, stat, { closeWhenDone: false, signal }));
      }
      return file.stream({ offset, length, signal, closeWhenDone: true });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Reads the whole file, hashes it on the way and notes the result. */
  #verify(file: OpenFile, stat: FileStat, options: { closeWhenDone: boolean; signal?: AbortSignal }): ByteStream {
    let hash: RunningHash | undefined;
    const start = () => RunningHash.start(hashAlgorithm(this.#digest));
    return heldBack(file.stream(options), {
      chunk: async (bytes) => (hash ??= await start()).update(bytes),
      end: async () => {
        hash ??= await start();
        if (hash.size !== stat.size) throw changed(this.#path); // the hash of other bytes is no evidence about the file
        const actual = await hash.digest();
        if (actual === this.#digest) return this.#verified.mark(this.#path, stat, "sound");
        this.#verified.mark(this.#path, stat, "spoilt");
        throw new DigestMismatchError(`${this.#path} has the digest ${actual} instead of that of its name`, {
          hint: "push the blob again to replace it",
        });
      },
    });
  }
}

function changed(path: string): StoreError {
  return new StoreError(`${path} changed while it was being read`);
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await atFile("list", directory, () => readDirectory(directory).catch(missingIsUndefined));
  return (entries ?? []).map((entry) => entry.name);
}
