import { DigestMismatchError, StoreError } from "../../../errors.ts";
import { type AbortOptions, drain } from "../../../io/mod.ts";
import { type ByteStream, type FileStat, type OpenFile, openFile } from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm } from "../../../spec/mod.ts";
import { atFile } from "./file_access.ts";
import { heldBack } from "../held_back.ts";
import { RunningHash } from "../running_hash.ts";
import type { BlobRange, StoredBlob } from "../store.ts";
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

  /** The whole file, hashed on the way; what comes of it is noted. */
  #verify(file: OpenFile, stat: FileStat, options: { closeWhenDone: boolean; signal?: AbortSignal }): ByteStream {
    let hash: RunningHash | undefined;
    const start = () => RunningHash.start(hashAlgorithm(this.#digest));
    return heldBack(file.stream(options), {
      chunk: async (bytes) => (hash ??= await start()).update(bytes),
      end: async () => {
        hash ??= await start();
        if (hash.size !== stat.size) throw changed(this.#path); // a hash of other bytes says nothing of the file
        const actual = await hash.digest();
        if (actual === this.#digest) return this.#verified.mark(this.#path, stat, "sound");
        this.#verified.mark(this.#path, stat, "spoilt");
        throw new DigestMismatchError(`${this.#path} has the digest ${actual} instead of its own`, {
          hint: "push the blob again to replace it",
        });
      },
    });
  }
}

function changed(path: string): StoreError {
  return new StoreError(`${path} changed while it was being read`);
}
