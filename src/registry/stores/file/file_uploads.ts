import { DigestMismatchError, StoreError } from "../../../errors.ts";
import { type AbortOptions, missingIsUndefined } from "../../../io/mod.ts";
import {
  type Bytes,
  type ByteStream,
  type FileWriter,
  joinPath,
  lstat,
  openWriter,
  readDirectory,
  remove,
  rename,
  setTimes,
} from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm } from "../../../spec/mod.ts";
import { atFile, inDirectory } from "./file_access.ts";
import type { FileBlobs } from "./file_blobs.ts";
import { FileTurn, markedUpload } from "./file_turn.ts";
import type { RunningHash } from "../running_hash.ts";
import type { StoreAppendOptions, StoredUpload, StoreFinishOptions, UploadStore } from "../store.ts";
import { checkUploadId, isSegment } from "../store_key.ts";
import { UploadHashes } from "./upload_hashes.ts";
import { SETTLED_AGE } from "./verified_files.ts";

/** The uploads of a file store: each is a file that grows, and is renamed to the blob in the end. */
export class FileUploads implements UploadStore {
  readonly #root: string;
  readonly #blobs: FileBlobs;
  readonly #sync: boolean;
  readonly #hashes: UploadHashes = new UploadHashes();

  /** Makes the uploads of a directory, which need not exist yet; with `sync`, the bytes of a blob are on the disk before it exists. */
  constructor(root: string, { blobs, sync }: { blobs: FileBlobs; sync: boolean }) {
    this.#root = root;
    this.#blobs = blobs;
    this.#sync = sync;
  }

  /** @inheritdoc */
  async *list(options: AbortOptions = {}): AsyncGenerator<StoredUpload, void, undefined> {
    const modified = new Map<string, number>();
    for (const name of await this.#names(options)) {
      const id = isSegment(name) ? name : markedUpload(name);
      const path = joinPath(this.#root, name);
      const stat = await atFile("read", path, () => lstat(path).catch(missingIsUndefined));
      if (stat && id !== undefined && isSegment(id)) modified.set(id, Math.max(stat.mtimeMs, modified.get(id) ?? 0));
    }
    for (const [id, time] of modified) yield { id, modified: time };
  }

  /** @inheritdoc */
  async size(id: string, options: AbortOptions = {}): Promise<number> {
    options.signal?.throwIfAborted();
    const path = this.#path(id);
    return (await atFile("read", path, () => lstat(path).catch(missingIsUndefined)))?.size ?? 0;
  }

  /** @inheritdoc */
  async append(id: string, body: ByteStream, options: StoreAppendOptions = {}): Promise<number> {
    const { algorithm = "sha256", size, signal } = options;
    const path = this.#path(id);
    let turn: FileTurn | undefined;
    const reader = body.getReader();
    const abort = () => void reader.cancel(signal?.reason).catch(() => {});
    signal?.addEventListener("abort", abort, { once: true });
    let hash: RunningHash | undefined;
    let isOwn = true;
    try {
      signal?.throwIfAborted();
      turn = size === undefined ? undefined : await FileTurn.take(path, size);
      const writer = turn?.writer ?? await this.#open(path);
      try {
        const { position } = writer;
        hash = await atFile("read", path, () => this.#hashes.take(id, { path, size: position, algorithm, signal }));
        await pour(reader, { writer, hash, path, signal });
      } finally {
        await atFile("write", path, () => writer.close());
        isOwn = await turn?.end() ?? true;
        if (isOwn && hash?.size === await this.size(id)) this.#hashes.giveBack(id, hash);
      }
      if (!isOwn) throw turn!.conflict;
      return turn ? writer.position : await this.size(id);
    } catch (error) {
      reader.cancel(error).catch(() => {});
      if (!isOwn) throw turn!.conflict;
      if (error instanceof StoreError) await this.cancel(id);
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** @inheritdoc */
  async finish(id: string, digest: Hash, options: StoreFinishOptions = {}): Promise<number> {
    const { signal } = options;
    signal?.throwIfAborted();
    const target = this.#blobs.path(digest);
    const path = this.#path(id);
    const size = options.size ?? await this.size(id);
    const turn = await FileTurn.take(path, size);
    const { writer } = turn;
    try {
      try {
        const hash = await this.#hashes.take(id, { path, size, algorithm: hashAlgorithm(digest), signal });
        const actual = await hash.digest();
        if (actual !== digest) {
          throw new DigestMismatchError(`upload ${id} has the digest ${actual} instead of ${digest}`);
        }
        if (this.#sync) await atFile("write", path, () => writer.sync());
      } finally {
        await writer.close();
      }
      // The ticks of a clock are too coarse to show a change right after this: an older time makes every change visible.
      await atFile("write", path, () => setTimes(path, Date.now() - SETTLED_AGE));
      const stat = await lstat(path);
      if (stat.size !== size) throw new StoreError(`${path} was written to while it was being finished`);
      if (!await turn.close()) throw turn.conflict;
      await atFile("write", target, () => inDirectory(target, this.#sync, () => rename(path, target)));
      await turn.end();
      this.#blobs.verified.mark(target, stat, "sound");
      return size;
    } catch (error) {
      if (!await turn.end()) throw turn.conflict;
      await this.cancel(id);
      throw error;
    }
  }

  /** @inheritdoc */
  async cancel(id: string, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const path = this.#path(id);
    this.#hashes.forget(id);
    const marks = (await this.#names(options)).filter((name) => markedUpload(name) === id);
    for (const each of [path, ...marks.map((name) => joinPath(this.#root, name))]) {
      await atFile("remove", each, () => remove(each));
    }
  }

  async #names({ signal }: AbortOptions): Promise<string[]> {
    signal?.throwIfAborted();
    const read = () => readDirectory(this.#root).catch(missingIsUndefined);
    return (await atFile("list", this.#root, read) ?? []).map(({ name }) => name);
  }

  #open(path: string): Promise<FileWriter> {
    return atFile("write", path, () => inDirectory(path, false, () => openWriter(path, { append: true })));
  }

  #path(id: string): string {
    return joinPath(this.#root, checkUploadId(id));
  }
}

/** Writes and hashes the chunks of a reader, while the next one is being read. */
async function pour(
  reader: ReadableStreamDefaultReader<Bytes>,
  options: { writer: FileWriter; hash: RunningHash; path: string; signal?: AbortSignal },
): Promise<void> {
  const { writer, hash, path, signal } = options;
  let next = reader.read();
  for (;;) {
    const { done, value } = await next;
    signal?.throwIfAborted();
    if (done) return;
    next = reader.read();
    next.catch(() => {}); // it is awaited in the next round, unless the disk fails first
    const written = atFile("write", path, () => writer.write(value));
    hash.update(value);
    await written;
  }
}
