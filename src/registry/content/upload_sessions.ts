import { ConflictError } from "../../errors.ts";
import { type AbortOptions, KeyedMutex } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import type { Algorithm, Hash } from "../../spec/mod.ts";
import type { RegistryStore, StoreFinishOptions } from "../stores/store.ts";

/** An upload that a client has begun and not yet closed. */
export interface UploadSession {
  /** The id in its URL. */
  readonly id: string;
  /** The repository that it was begun in; it can't be gone on with in another. */
  readonly repository: string;
  /** The algorithm of the digest that it is expected to get. */
  readonly algorithm: Algorithm;
  /** When it was begun, in milliseconds since 1970. */
  readonly started: number;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The uploads that are under way, as records of a store under `uploads/`. */
export class UploadSessions {
  readonly #store: RegistryStore;
  readonly #clock: () => number;
  readonly #turns = new KeyedMutex();
  readonly #latest = new Map<string, AbortController>();

  /** Makes it over a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Begins an upload. */
  async start(repository: string, algorithm: Algorithm): Promise<UploadSession> {
    const session = { id: newUploadId(), repository, algorithm, started: this.#clock() };
    await this.#store.records.put(key(session.id), jsonBytes(session), { durable: false });
    return session;
  }

  /** The upload with an id from a URL, or `undefined`. */
  async find(repository: string, id: string): Promise<UploadSession | undefined> {
    const session = ID.test(id) ? await this.#read(id) : undefined;
    return session?.repository === repository ? session : undefined;
  }

  /**
   * Runs work on an upload while nobody else does in this process. Work that is under way already is told to stop by
   * its signal and waited for: a client that comes back has lost its old connection, which may hang for long.
   */
  async alone<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#latest.get(id)?.abort(new DOMException("another request went on with this upload", "AbortError"));
    const stop = new AbortController();
    this.#latest.set(id, stop);
    try {
      return await this.#turns.run(id, () => work(stop.signal));
    } finally {
      if (this.#latest.get(id) === stop) this.#latest.delete(id);
    }
  }

  /**
   * Makes a blob of an upload and ends it.
   *
   * @throws {DigestMismatchError} when the bytes have another digest.
   * @throws {ConflictError} when another server went on with it, which it is left to.
   */
  async finish(session: UploadSession, digest: Hash, options: StoreFinishOptions = {}): Promise<void> {
    let isOver = true;
    try {
      await this.#store.uploads.finish(session.id, digest, options);
    } catch (error) {
      isOver = !(error instanceof ConflictError);
      throw error;
    } finally {
      if (isOver) await this.#store.records.delete(key(session.id));
    }
  }

  /** Ends the uploads that nobody has added to since a time, and gives their ids; with `dryRun` it only gives them. */
  async expire(options: { before: number; dryRun: boolean; signal?: AbortSignal }): Promise<string[]> {
    const { before, dryRun, signal } = options;
    const expired = new Set<string>();
    const alive = new Set<string>();
    for await (const { id, modified } of this.#store.uploads.list({ signal })) {
      (modified < before ? expired : alive).add(id);
    }
    for (const id of await this.#store.records.list("uploads/", { signal })) {
      if (alive.has(id) || expired.has(id)) continue;
      const session = await this.#read(id, { signal });
      if (session && session.started < before) expired.add(id);
    }
    for (const id of dryRun ? [] : expired) {
      await this.#store.records.delete(key(id), { signal }); // first, so that a client who comes back finds no half of it
      await this.#store.uploads.cancel(id, { signal });
    }
    return [...expired];
  }

  /** Ends an upload and drops its bytes. */
  async cancel(session: UploadSession): Promise<void> {
    await this.#store.uploads.cancel(session.id);
    await this.#store.records.delete(key(session.id));
  }

  async #read(id: string, options?: AbortOptions): Promise<UploadSession | undefined> {
    const value = await this.#store.records.get(key(id), options);
    return value && JSON.parse(new TextDecoder().decode(value));
  }
}

/** An id that nobody can guess. */
export function newUploadId(): string {
  return crypto.randomUUID();
}

function key(id: string): string {
  return `uploads/${id}`;
}
