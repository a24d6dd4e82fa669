import type { Semaphore } from "../../../io/mod.ts";
import { type Bytes, type ResumableHash, resumableHash } from "../../../runtime/mod.ts";
import type { ObjectBucket } from "./object_bucket.ts";
import { PartBuffer } from "./part_buffer.ts";
import { digestWith, type SavedState, saveState, type UploadParts } from "./upload_state.ts";

/** The number of part numbers that are reserved at a time. A killed server loses the parts since its last reservation. */
const TAKEN_AT_ONCE = 8;

/** Options of {@linkcode PartWriter}. */
export interface PartWriterOptions {
  /** The key of the upload's state. */
  readonly key: string;
  /** The state of the upload. */
  readonly saved: SavedState;
  /** Limits the parts of all uploads that are sent at the same time. */
  readonly inFlight: Semaphore;
}

/**
 * Adds bytes to an upload: hashes them, sends full parts while the next one fills, and saves the state. The part that
 * fills and the one that is sent are in memory.
 *
 * Another server may do the same at the same time. One of them fails to save the state over the other's. As part numbers
 * are reserved in the state before parts are sent, neither overwrites the other's parts.
 */
export class PartWriter {
  readonly #bucket: ObjectBucket;
  readonly #key: string;
  readonly #inFlight: Semaphore;
  readonly #hash: ResumableHash;
  readonly #buffer: PartBuffer = new PartBuffer();
  readonly #etags: string[];
  #saved: SavedState;
  #taken = 0;
  #written: number;
  #onItsWay: Promise<void> = Promise.resolve();

  private constructor(bucket: ObjectBucket, options: PartWriterOptions, hash: ResumableHash) {
    const { key, saved, inFlight } = options;
    this.#bucket = bucket;
    this.#key = key;
    this.#inFlight = inFlight;
    this.#hash = hash;
    this.#saved = saved;
    this.#etags = [...saved.state.parts?.etags ?? []];
    this.#written = saved.state.size - saved.rest.length;
  }

  /** Continues from a state. */
  static async open(bucket: ObjectBucket, options: PartWriterOptions): Promise<PartWriter> {
    const { state, rest } = options.saved;
    const writer = new PartWriter(bucket, options, await resumableHash(state.algorithm, state.hash));
    await writer.write(rest);
    return writer;
  }

  /** The state that was saved last. */
  get saved(): SavedState {
    return this.#saved;
  }

  /** Adds bytes; waits while there is no room for more. */
  async write(chunk: Bytes): Promise<void> {
    for (let rest = chunk; rest.length > 0;) {
      const limit = this.#bucket.partSize(this.#etags.length + 1);
      rest = this.#buffer.fill(rest, limit);
      if (this.#buffer.size === limit) await this.#send();
    }
  }

  /** Saves the state and returns the size of the upload. */
  async close(): Promise<number> {
    await this.#onItsWay;
    await this.#save(this.#etags.length);
    return this.#saved.state.size;
  }

  /** Waits until the part that is sent has arrived or failed. */
  async finishParts(): Promise<void> {
    await this.#onItsWay.catch(() => {});
  }

  async #send(): Promise<void> {
    await this.#onItsWay;
    const { upload } = this.#taken > 0 ? this.#saved.state.parts! : await this.#takeFirst();
    const bytes = this.#buffer.take();
    this.#hash.update(bytes);
    const number = this.#etags.push("") as number;
    const started = Promise.withResolvers<void>();
    this.#onItsWay = this.#inFlight.run(async () => {
      started.resolve();
      this.#etags[number - 1] = await this.#bucket.putPart(upload, { number, bytes });
      this.#written += bytes.length;
      this.#buffer.recycle(bytes);
    });
    this.#onItsWay.catch(() => {}); // it is awaited before the next part, and at the end
    await started.promise;
    if (number < this.#taken) return;
    await this.#onItsWay;
    await this.#save(number + TAKEN_AT_ONCE);
  }

  /** Reserves numbers for parts, and starts the object if there is none; the state is saved before the first part is sent. */
  async #takeFirst(): Promise<UploadParts> {
    const { state } = this.#saved;
    const begun: UploadParts = state.parts ?? { upload: await this.#bucket.startParts(state.object), etags: [] };
    const { taken = begun.etags.length } = begun;
    const parts = { ...begun, taken: taken + TAKEN_AT_ONCE };
    try {
      this.#saved = await saveState(this.#bucket, this.#key, { ...this.#saved, state: { ...state, parts } });
    } catch (error) {
      if (!state.parts) await this.#bucket.dropParts(begun.upload).catch(() => {});
      throw error;
    }
    while (this.#etags.length < taken) this.#etags.push(""); // reserved by another server
    this.#taken = parts.taken;
    return parts;
  }

  async #save(taken: number): Promise<void> {
    const { state: { object, algorithm, parts }, etag } = this.#saved;
    const rest = this.#buffer.peek();
    const state = {
      size: this.#written + rest.length,
      object,
      algorithm,
      digest: await digestWith(this.#hash, algorithm, rest),
      ...(parts && { parts: this.#taken > 0 ? { ...parts, etags: [...this.#etags], taken } : parts }),
      hash: this.#hash.save(),
    };
    this.#saved = await saveState(this.#bucket, this.#key, { state, rest, etag });
    this.#taken = taken;
  }
}
