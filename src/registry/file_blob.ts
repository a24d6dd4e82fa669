import { DigestMismatchError, StoreError } from "../errors.ts";
import { type AbortOptions, drain } from "../io/mod.ts";
import { type Bytes, type ByteStream, type FileStat, type OpenFile, openFile } from "../runtime/mod.ts";
import { type Hash, hashAlgorithm } from "../spec/mod.ts";
import { atFile } from "./file_access.ts";
import { RunningHash } from "./running_hash.ts";
import type { BlobRange, StoredBlob } from "./store.ts";
import type { VerifiedFiles } from "./verified_files.ts";

/** What a {@linkcode FileBlob} is made of. */
export interface FileBlobOptions {
  /** The digest that the bytes should have. */
  digest: Hash;
  /** What was found at the path. */
  stat: FileStat;
  /** Which files need no second look. */
  verified: VerifiedFiles;
}

/** A blob in a file. Bytes that nobody hashed yet are hashed before the end of them is given away. */
export class FileBlob implements StoredBlob {
  /** @inheritdoc */
  readonly size: number;
  /** @inheritdoc */
  readonly modified: number;
  readonly #path: string;
  readonly #digest: Hash;
  readonly #verified: VerifiedFiles;

  /** Makes it; the file is opened with each read. */
  constructor(path: string, options: FileBlobOptions) {
    this.#path = path;
    this.#digest = options.digest;
    this.#verified = options.verified;
    this.size = options.stat.size;
    this.modified = options.stat.mtimeMs;
  }

  /** @inheritdoc */
  async read(range: BlobRange & AbortOptions = {}): Promise<ByteStream> {
    const { offset = 0, length = this.size - offset, signal } = range;
    const file = await atFile("read", this.#path, () => openFile(this.#path, { noFollow: true }));
    try {
      const stat = await file.stat();
      if (stat.size !== this.size) throw new StoreError(`${this.#path} changed while it was being read`);
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

  /**
   * The whole file, hashed on the way; what comes of it is noted. The last chunk is held back until the hash is known:
   * a client that has as many bytes as it was promised does not look at how the answer ends.
   */
  #verify(file: OpenFile, stat: FileStat, options: { closeWhenDone: boolean; signal?: AbortSignal }): ByteStream {
    const reader = file.stream(options).getReader();
    let hash: RunningHash | undefined;
    let held: Bytes | undefined;
    const check = async (hash: RunningHash) => {
      const actual = await hash.digest();
      if (actual === this.#digest) return this.#verified.mark(this.#path, stat, "sound");
      this.#verified.mark(this.#path, stat, "spoilt");
      throw new DigestMismatchError(`${this.#path} has the digest ${actual} instead of its own`, {
        hint: "push the blob again to replace it",
      });
    };
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        hash ??= await RunningHash.start(hashAlgorithm(this.#digest));
        held ??= (await reader.read()).value;
        if (held) hash.update(held);
        const next = held && (await reader.read()).value;
        if (!next) await check(hash);
        if (held) controller.enqueue(held);
        if (!next) controller.close();
        held = next;
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }
}
