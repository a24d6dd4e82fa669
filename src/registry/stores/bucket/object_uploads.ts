import { ConflictError, DigestMismatchError, StoreError } from "../../../errors.ts";
import { type AbortOptions, chunks, drain, KeyedMutex, measureStream, Semaphore } from "../../../io/mod.ts";
import type { Bytes, ByteStream } from "../../../runtime/mod.ts";
import { type Hash, hashAlgorithm, parseHash } from "../../../spec/mod.ts";
import { loadEntry, saveEntry } from "./blob_entry.ts";
import { eachObject, type ObjectBucket } from "./object_bucket.ts";
import { PartWriter } from "./part_writer.ts";
import {
  type StoreAppendOptions,
  type StoredUpload,
  type StoreFinishOptions,
  uploadConflict,
  type UploadStore,
} from "../store.ts";
import { isSegment } from "../store_key.ts";
import {
  dropUpload,
  emptyState,
  loadSize,
  loadState,
  type SavedState,
  saveState,
  stateKey,
  type UploadParts,
  UPLOADS,
} from "./upload_state.ts";

/** The most parts of all uploads that are sent at the same time, each of them in memory. */
const PARTS_IN_FLIGHT = 4;
/** The number of tries to assemble the parts. */
const FINISH_TRIES = 3;

/**
 * The uploads of an object store. The bytes go into an object in parts as they come; the rest that does not fill a part
 * stays in the state, from which any server can continue. The state is written before the object exists and removed after
 * the object has become a blob, so that at any time each object belongs to a blob or is named by a state.
 */
export class ObjectUploads implements UploadStore {
  readonly #bucket: ObjectBucket;
  readonly #inFlight: Semaphore = new Semaphore(PARTS_IN_FLIGHT);
  readonly #turns: KeyedMutex = new KeyedMutex();

  /** Makes the uploads of a bucket. */
  constructor(bucket: ObjectBucket) {
    this.#bucket = bucket;
  }

  /** @inheritdoc */
  async *list(options: AbortOptions = {}): AsyncGenerator<StoredUpload, void, undefined> {
    for await (const { key, modified } of eachObject(this.#bucket, UPLOADS, options)) {
      const id = key.slice(UPLOADS.length);
      if (isSegment(id)) yield { id, modified };
    }
  }

  /** @inheritdoc */
  async size(id: string, options: AbortOptions = {}): Promise<number> {
    return await loadSize(this.#bucket, stateKey(id), options);
  }

  /** @inheritdoc */
  async append(id: string, body: ByteStream, options: StoreAppendOptions = {}): Promise<number> {
    const key = stateKey(id);
    try {
      options.signal?.throwIfAborted();
      return await this.#turns.run(key, () => this.#append(key, body, options));
    } catch (error) {
      if (!body.locked) body.cancel(error).catch(() => {});
      throw error;
    }
  }

  /** @inheritdoc */
  async finish(id: string, digest: Hash, options: StoreFinishOptions = {}): Promise<number> {
    const key = stateKey(id);
    options.signal?.throwIfAborted();
    return await this.#turns.run(key, () => this.#finish(key, parseHash(digest), options));
  }

  /** @inheritdoc */
  async cancel(id: string, options: AbortOptions = {}): Promise<void> {
    const key = stateKey(id);
    options.signal?.throwIfAborted();
    await this.#turns.run(key, () => dropUpload(this.#bucket, key));
  }

  async #append(key: string, body: ByteStream, options: StoreAppendOptions): Promise<number> {
    const { algorithm = "sha256", size, signal } = options;
    const saved = await loadState(this.#bucket, key, { signal }) ?? await emptyState(algorithm);
    if (saved.state.size !== (size ?? saved.state.size)) throw uploadConflict(key.slice(UPLOADS.length));
    let writer: PartWriter | undefined;
    try {
      writer = await PartWriter.open(this.#bucket, { key, saved, inFlight: this.#inFlight });
      try {
        for await (const chunk of chunks(body, { signal })) await writer.write(chunk);
      } catch (error) {
        if (!(error instanceof StoreError || error instanceof ConflictError)) await writer.close(); // the bytes that came are kept
        throw error;
      }
      return await writer.close();
    } catch (error) {
      await writer?.finishParts();
      if (error instanceof StoreError) await this.#dropOwn(key, writer?.saved ?? saved);
      throw error;
    }
  }

  async #finish(key: string, digest: Hash, options: StoreFinishOptions): Promise<number> {
    let saved = await loadState(this.#bucket, key) ?? await emptyState(hashAlgorithm(digest));
    const { size, object, algorithm } = saved.state;
    if (size !== (options.size ?? size)) throw uploadConflict(key.slice(UPLOADS.length));
    try {
      const isHashed = algorithm === hashAlgorithm(digest);
      if (isHashed && saved.state.digest !== digest) throw mismatch(key, saved.state.digest, digest);
      const entry = await loadEntry(this.#bucket, digest);
      if (entry && (entry.size === 0 || await this.#bucket.has(entry.object))) {
        if (!isHashed) await this.#verify(await this.#assemble(saved), { key, digest });
        await dropUpload(this.#bucket, key);
        return entry.size;
      }
      if (!isHashed || saved.etag === undefined) {
        saved = await saveState(this.#bucket, key, { ...saved, state: { ...saved.state, digest } });
      }
      saved = await this.#assemble(saved);
      if (!isHashed) await this.#verify(saved, { key, digest });
      const replace = entry !== undefined; // its object is lost
      const isFirst = await saveEntry(this.#bucket, digest, { object, size, modified: Date.now(), replace });
      // Another request has just finished the same bytes, or even the same upload.
      if (!isFirst && (await loadEntry(this.#bucket, digest))?.object !== object) await this.#bucket.delete(object);
      await this.#bucket.delete(key);
      return size;
    } catch (error) {
      if (!(error instanceof ConflictError)) await this.#dropOwn(key, saved);
      throw error;
    }
  }

  /** Assembles the object of an upload; an upload without bytes has none. */
  async #assemble(saved: SavedState): Promise<SavedState> {
    const { state: { size, object, parts }, rest } = saved;
    if (!parts) {
      if (size > 0) await this.#bucket.put(object, rest);
      return saved;
    }
    // Another server may have assembled it and been killed, or may be about to, with a last part over ours.
    if (await this.#bucket.has(object)) return saved;
    for (let tries = 1;; tries++) {
      try {
        await this.#finishParts(parts, rest);
        return saved;
      } catch (error) {
        if (await this.#bucket.has(object)) return saved;
        if (!(error instanceof StoreError) || tries === FINISH_TRIES) throw error;
      }
    }
  }

  async #finishParts({ upload, etags: written }: UploadParts, rest: Bytes): Promise<void> {
    const etags = [...written];
    if (rest.length > 0) {
      etags.push(await this.#bucket.putPart(upload, { number: etags.length + 1, bytes: rest }));
    }
    await this.#bucket.finishParts(upload, etags);
  }

  /** Reads and hashes an object whose upload was hashed by another algorithm than that of its digest. */
  async #verify({ state }: SavedState, { key, digest }: { key: string; digest: Hash }): Promise<void> {
    const body = state.size > 0 ? (await this.#bucket.read(state.object))?.body : new Blob([]).stream();
    if (!body) throw new StoreError(`${state.object} is missing right after it was written`);
    const { stream, measured } = measureStream(body, hashAlgorithm(digest));
    await drain(stream);
    const actual = (await measured).digest as Hash;
    if (actual !== digest) throw mismatch(key, actual, digest);
  }

  /** Removes an upload that failed. @throws {ConflictError} if another server has continued it; it is left to that server. */
  async #dropOwn(key: string, saved: SavedState): Promise<void> {
    if (saved.etag === undefined) return; // it was never saved
    try {
      await saveState(this.#bucket, key, saved); // from here on, no server can continue it
      await dropUpload(this.#bucket, key);
    } catch (error) {
      if (error instanceof ConflictError) throw error;
      // The garbage collection drops the rest.
    }
  }
}

function mismatch(key: string, actual: Hash, promised: Hash): DigestMismatchError {
  return new DigestMismatchError(`upload ${key.slice(UPLOADS.length)} has the digest ${actual}, not ${promised}`);
}
