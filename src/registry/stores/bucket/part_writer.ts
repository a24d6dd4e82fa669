import type { Semaphore } from "../../../io/mod.ts";
import { type Bytes, type ResumableHash, resumableHash } from "../../../runtime/mod.ts";
import type { ObjectBucket } from "./object_bucket.ts";
import { PartBuffer } from "./part_buffer.ts";
import { digestWith, type SavedState, saveState, type UploadParts } from "./upload_state.ts";

/** How many numbers of parts are taken at a time. A server that is killed loses the parts since it took some last. */
const TAKEN_AT_ONCE = 8;

/** What a {@linkcode PartWriter} works with. */
export interface PartWriterOptions {
  /** The key of the upload's state. */
  readonly key: string;
  /** Where the upload is. */
  readonly saved: SavedState;
  /** How many parts of all uploads may be on their way at a time. */
  readonly inFlight: Semaphore;
}

/**
 * Adds bytes to an upload: hashes them, writes full parts while the next one fills, and saves the state. In memory are
 * the part that fills and the one on its way.
 *
 * Another server may do the same at the same time. One of them fails to save the state over the other's; and as the
 * numbers of parts are taken by saving the state before, none writes over the other's parts.
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

  /** Goes on from a state. */
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

  /** Takes bytes, and waits while there is no room for more. */
  async write(chunk: Bytes): Promise<void> {
    for (let rest = chunk; rest.length > 0;) {
      const limit = this.#bucket.partSize(this.#etags.length + 1);
      rest = this.#buffer.fill(rest, limit);
      if (this.#buffer.size === limit) await this.#send();
    }
  }

  /** Saves where the upload is; the number of its bytes. */
  async close(): Promise<number> {
    await this.#onItsWay;
    await this.#save(this.#etags.length);
    return this.#saved.state.size;
  }

  /** Waits for what is on its way, however that ends. */
  async settle(): Promise<void> {
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
    this.#onItsWay.catch(() => {}); // it is waited for before the next part, and at the end
    await started.promise;
    if (number < this.#taken) return;
    await this.#onItsWay;
    await this.#save(number + TAKEN_AT_ONCE);
  }

  /** Takes numbers for parts, and begins the object if that has not been done: the state says so before there is any. */
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
    while (this.#etags.length < taken) this.#etags.push(""); // another server took these
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
