import { DigestMismatchError, StoreError } from "../errors.ts";
import { type AbortOptions, chunks, drain, measureStream, Semaphore } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type Hash, hashAlgorithm, parseHash } from "../spec/mod.ts";
import type { ObjectBlobs } from "./object_blobs.ts";
import { eachObject, type ObjectBucket } from "./object_bucket.ts";
import { OneAtATime } from "./one_at_a_time.ts";
import { PartWriter } from "./part_writer.ts";
import type { StoreAppendOptions, StoredUpload } from "./store.ts";
import { checkUploadId, isSegment } from "./store_key.ts";
import { emptyState, loadSize, loadState, type SavedState, saveState } from "./upload_state.ts";

const ROOT = "uploads/";
/** How many parts of all uploads together are on their way at a time, each of them in memory. */
const PARTS_IN_FLIGHT = 4;

/**
 * The uploads of an object store. The bytes go into an object in parts as they come; what does not fill a part waits in
 * the state, which any server can go on from. The state is there before the object is, and goes after that has become a
 * blob, so whatever is killed when, each object is that of a blob or named by a state.
 */
export class ObjectUploads {
  readonly #bucket: ObjectBucket;
  readonly #blobs: ObjectBlobs;
  readonly #inFlight: Semaphore = new Semaphore(PARTS_IN_FLIGHT);
  readonly #alone: OneAtATime = new OneAtATime();

  /** Makes it over a bucket and the blobs in it. */
  constructor(bucket: ObjectBucket, blobs: ObjectBlobs) {
    this.#bucket = bucket;
    this.#blobs = blobs;
  }

  /** See `RegistryStore.uploads`. */
  async *list(options: AbortOptions = {}): AsyncGenerator<StoredUpload, void, undefined> {
    for await (const { key, modified } of eachObject(this.#bucket, ROOT, options)) {
      const id = key.slice(ROOT.length);
      if (isSegment(id)) yield { id, modified };
    }
  }

  /** See `RegistryStore.uploadSize`. */
  async size(id: string, options: AbortOptions = {}): Promise<number> {
    return await loadSize(this.#bucket, stateKey(id), options);
  }

  /** See `RegistryStore.appendUpload`. */
  async append(id: string, body: ByteStream, options: StoreAppendOptions = {}): Promise<number> {
    const key = stateKey(id);
    try {
      options.signal?.throwIfAborted();
      return await this.#alone.run(key, () => this.#append(key, body, options));
    } catch (error) {
      if (!body.locked) body.cancel(error).catch(() => {});
      throw error;
    }
  }

  /** See `RegistryStore.finishUpload`. */
  async finish(id: string, digest: Hash, options: AbortOptions = {}): Promise<number> {
    const key = stateKey(id);
    options.signal?.throwIfAborted();
    return await this.#alone.run(key, async () => {
      try {
        return await this.#finish(key, parseHash(digest));
      } catch (error) {
        await this.#drop(key).catch(() => {});
        throw error;
      }
    });
  }

  /** See `RegistryStore.cancelUpload`. */
  async cancel(id: string, options: AbortOptions = {}): Promise<void> {
    const key = stateKey(id);
    options.signal?.throwIfAborted();
    await this.#alone.run(key, () => this.#drop(key));
  }

  /** See `RegistryStore.deleteBlob`. A state names the object before its entry goes. */
  async deleteBlob(digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    const entry = await this.#blobs.entry(digest, options);
    if (!entry) return false;
    const key = ROOT + crypto.randomUUID();
    const { state, ...others } = await emptyState(hashAlgorithm(digest));
    await saveState(this.#bucket, key, { ...others, state: { ...state, object: entry.object, digest } });
    await this.#blobs.remove(digest);
    await this.#drop(key);
    return true;
  }

  async #append(key: string, body: ByteStream, options: StoreAppendOptions): Promise<number> {
    const { algorithm = "sha256", signal } = options;
    const saved = await loadState(this.#bucket, key, { signal }) ?? await emptyState(algorithm);
    let writer: PartWriter | undefined;
    try {
      writer = await PartWriter.open(this.#bucket, { key, saved, inFlight: this.#inFlight });
      try {
        for await (const chunk of chunks(body, { signal })) await writer.write(chunk);
      } catch (error) {
        if (!(error instanceof StoreError)) await writer.close(); // what came before is kept
        throw error;
      }
      return await writer.close();
    } catch (error) {
      await writer?.settle();
      if (error instanceof StoreError) await this.#drop(key).catch(() => {});
      throw error;
    }
  }

  async #finish(key: string, digest: Hash): Promise<number> {
    let saved = await loadState(this.#bucket, key) ?? await emptyState(hashAlgorithm(digest));
    const isHashed = saved.state.algorithm === hashAlgorithm(digest);
    if (isHashed && saved.state.digest !== digest) throw mismatch(key, saved.state.digest, digest);
    const { size, object } = saved.state;
    const entry = await this.#blobs.entry(digest);
    if (entry && (entry.size === 0 || await this.#bucket.has(entry.object))) {
      if (!isHashed) await this.#verify(await this.#assemble(saved), { key, digest });
      await this.#drop(key);
      return entry.size;
    }
    if (!isHashed || saved.etag === undefined) {
      saved = await saveState(this.#bucket, key, { ...saved, state: { ...saved.state, digest } });
    }
    await this.#assemble(saved);
    if (!isHashed) await this.#verify(saved, { key, digest });
    const isReplaced = entry !== undefined; // its object is lost
    const isFirst = await this.#blobs.enter(digest, { object, size, modified: Date.now() }, { replace: isReplaced });
    if (!isFirst) await this.#bucket.delete(object); // somebody else just finished the same
    await this.#bucket.delete(key);
    return size;
  }

  /** Makes one object of what an upload has; there is none for no bytes. */
  async #assemble(saved: SavedState): Promise<SavedState> {
    const { state: { size, object, parts }, rest } = saved;
    if (!parts) {
      if (size > 0) await this.#bucket.put(object, rest);
    } else if (!await this.#bucket.has(object)) { // else a server was killed after it had done so
      const etags = [...parts.etags];
      if (rest.length > 0) {
        etags.push(await this.#bucket.putPart(parts.upload, { number: etags.length + 1, bytes: rest }));
      }
      await this.#bucket.finishParts(parts.upload, etags);
    }
    return saved;
  }

  /** Reads an object that was hashed by another algorithm than that of the digest which it was finished with. */
  async #verify({ state }: SavedState, { key, digest }: { key: string; digest: Hash }): Promise<void> {
    const body = state.size > 0 ? (await this.#bucket.read(state.object))?.body : new Blob([]).stream();
    if (!body) throw new StoreError(`${state.object} is missing, which was just written`);
    const { stream, measured } = measureStream(body, hashAlgorithm(digest));
    await drain(stream);
    const actual = (await measured).digest as Hash;
    if (actual !== digest) throw mismatch(key, actual, digest);
  }

  /** Removes the state of an upload, and before that its object, unless a blob has come of it. */
  async #drop(key: string): Promise<void> {
    const saved = await loadState(this.#bucket, key);
    if (!saved) return;
    const { object, digest, parts } = saved.state;
    const isBlob = async () => (await this.#blobs.entry(digest))?.object === object;
    if (!await isBlob()) {
      if (parts) await this.#bucket.dropParts(parts.upload);
      await this.#bucket.delete(object);
      if (await isBlob()) await this.#blobs.remove(digest); // another server has just finished what was dropped here
    }
    await this.#bucket.delete(key);
  }
}

function stateKey(id: string): string {
  return ROOT + checkUploadId(id);
}

function mismatch(key: string, actual: Hash, promised: Hash): DigestMismatchError {
  return new DigestMismatchError(`upload ${key.slice(ROOT.length)} has the digest ${actual}, not ${promised}`);
}
