import { ConflictError } from "../../errors.ts";
import { type AbortOptions, KeyedMutex } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import type { Algorithm, Hash } from "../../spec/mod.ts";
import type { RegistryStore, StoreFinishOptions } from "../stores/store.ts";

/** An upload that a client has started and not yet closed. */
export interface UploadSession {
  /** The id in its URL. */
  readonly id: string;
  /** The repository that it was started in, the only one where it can be continued. */
  readonly repository: string;
  /** The expected algorithm of its digest. */
  readonly algorithm: Algorithm;
  /** The time when it was started, in milliseconds since 1970. */
  readonly started: number;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The upload sessions, as records of a store under `uploads/`. */
export class UploadSessions {
  readonly #store: RegistryStore;
  readonly #clock: () => number;
  readonly #turns = new KeyedMutex();
  readonly #latest = new Map<string, AbortController>();

  /** Makes the sessions of a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Starts an upload. */
  async start(repository: string, algorithm: Algorithm): Promise<UploadSession> {
    const session = { id: newUploadId(), repository, algorithm, started: this.#clock() };
    await this.#store.records.put(key(session.id), jsonBytes(session), { durable: false });
    return session;
  }

  /** Finds the upload with an id from a URL, or `undefined`. */
  async find(repository: string, id: string): Promise<UploadSession | undefined> {
    const session = ID.test(id) ? await this.#read(id) : undefined;
    return session?.repository === repository ? session : undefined;
  }

  /**
   * Runs work on an upload while no other work on it runs in this process. The signal of work that is under way aborts,
   * and its end is awaited: a client that comes back has lost its old connection, which may hang for long.
   */
  async alone<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#latest.get(id)?.abort(new DOMException("another request continues this upload", "AbortError"));
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
   * @throws {DigestMismatchError} if the bytes have another digest.
   * @throws {ConflictError} if another server has continued it; it is left to that server.
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

  /** Ends the uploads without new bytes since a time, and returns their ids; with `dryRun` it only returns them. */
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
      await this.#store.records.delete(key(id), { signal }); // first, so that a client that comes back does not find half of it
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

/** Makes an id that can't be guessed. */
export function newUploadId(): string {
  return crypto.randomUUID();
}

function key(id: string): string {
  return `uploads/${id}`;
}
