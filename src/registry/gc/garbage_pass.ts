import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { CLAIMS, claimsPath } from "../content/blob_claims.ts";
import { type MentionName, MENTIONS, readMentionName } from "../content/mentions.ts";
import type { Repositories } from "../content/repositories.ts";
import { blobKey } from "../content/repository_keys.ts";
import { deleteBlobs, deleteRecords, type RegistryStore } from "../stores/store.ts";
import { digestPrefix, keyDigests } from "../stores/store_key.ts";
import { namePages } from "../content/listed_names.ts";

const CONCURRENCY = 64;
/** The number of blobs whose removal is one, unless the store is too slow for that. */
const BATCH = 64;
const ALGORITHMS = ["sha256", "sha512"] as const;

/** A blob that was removed, or would be removed. */
export interface GarbageBlob {
  /** Its digest. */
  readonly digest: Hash;
  /** The number of its bytes. */
  readonly size: number;
}

/** Options of {@linkcode GarbagePasses}. */
export interface GarbagePassOptions extends AbortOptions {
  readonly repositories: Repositories;
  /** The time since which a claim keeps a blob, in milliseconds since 1970. */
  readonly cutoff: number;
  readonly dryRun: boolean;
  /** Called with each blob that was removed. */
  readonly onBlob: (blob: GarbageBlob) => void;
}

/** What is known of the digests with one prefix. */
interface Marked {
  /** The digests that any manifest mentions. */
  readonly mentioned: ReadonlySet<Hash>;
  /** The records of links to blobs that no manifest of the repository mentions. */
  readonly idle: ReadonlyMap<Hash, readonly string[]>;
}

/** A digest that may be removed, or links to it. */
interface Candidate {
  readonly digest: Hash;
  readonly isGarbage: boolean;
  /** The records of idle links. */
  readonly links: readonly string[];
  /** The size of the blob; `undefined` if there is none. */
  readonly size: number | undefined;
}

/** The passes of a collection: each holds what the store has of the digests with one prefix, and nothing else. */
export class GarbagePasses {
  readonly #store: RegistryStore;
  readonly #options: GarbagePassOptions;
  /** The paths that have records, of mentions and of claims: those of a small store are few. */
  readonly #paths: ReadonlySet<string>;

  private constructor(store: RegistryStore, paths: ReadonlySet<string>, options: GarbagePassOptions) {
    this.#store = store;
    this.#paths = paths;
    this.#options = options;
  }

  /** Begins the passes. What is mentioned or claimed for the first time from now on is protected by claims. */
  static async begin(store: RegistryStore, options: GarbagePassOptions): Promise<GarbagePasses> {
    const { signal } = options;
    const found = await Promise.all([MENTIONS, CLAIMS].map(async (path) => {
      return (await store.records.list(path, { limit: 256, signal })).map((name) => path + name);
    }));
    return new GarbagePasses(store, new Set(found.flat()), options);
  }

  /** Removes the garbage whose digests have a prefix; returns the number of entries that this took at most at a time. */
  async run(digits: string, { signal }: AbortOptions = {}): Promise<number> {
    const [{ mentioned, idle }, blobs, claimed] = await Promise.all([
      this.#mark(digits, signal),
      this.#blobs(digits, signal),
      this.#claimed(digits, signal),
    ]);
    const unmentioned = new Set<Hash>();
    for (const digest of [...blobs, ...claimed]) if (!mentioned.has(digest)) unmentioned.add(digest);
    const digests = new Set([...unmentioned, ...idle.keys()]);
    let batch: Candidate[] = [];
    for await (const candidate of this.#candidates(digests, { mentioned, idle }, signal)) {
      batch.push(candidate);
      if (batch.length < BATCH) continue;
      await this.#remove(batch, signal);
      batch = [];
    }
    await this.#remove(batch, signal);
    return mentioned.size + idle.size + blobs.length + claimed.length;
  }

  /** Reads which digests manifests mention, and which links are idle: the records of a link sort before its mentions. */
  async #mark(digits: string, signal: AbortSignal | undefined): Promise<Marked> {
    const mentioned = new Set<Hash>();
    const idle = new Map<Hash, string[]>();
    let link: { name: string; digest: Hash; repository: string } | undefined;
    const endLink = () => {
      if (link) idle.set(link.digest, [...idle.get(link.digest) ?? [], link.name]);
      link = undefined;
    };
    let last: MentionName | undefined;
    const read = (name: string) => {
      const found = readMentionName(name, last);
      if (!found) return;
      last = found;
      const { digest, repository, manifest } = found;
      const isOfLink = link?.digest === digest && link.repository === repository;
      if (isOfLink) link = undefined;
      else endLink();
      if (manifest === undefined) link = { name, digest, repository };
      else mentioned.add(digest);
    };
    for await (const page of this.#pages(`${MENTIONS}${digits}/`, signal)) page.forEach(read);
    endLink();
    return { mentioned, idle };
  }

  async #blobs(digits: string, signal: AbortSignal | undefined): Promise<readonly Hash[]> {
    const lists = ALGORITHMS.map((algorithm) =>
      Array.fromAsync(this.#store.blobs.list({ prefix: { algorithm, digits }, signal }))
    );
    return (await Promise.all(lists)).flat();
  }

  /** Lists the digests that were claimed; the blobs of some never came. */
  async #claimed(digits: string, signal: AbortSignal | undefined): Promise<readonly Hash[]> {
    const digests: Hash[] = [];
    for await (const page of this.#pages(claimsPath(digits), signal)) digests.push(...keyDigests(page));
    return digests;
  }

  async *#pages(path: string, signal: AbortSignal | undefined): AsyncGenerator<readonly string[], void, undefined> {
    if (this.#paths.has(path)) yield* namePages(this.#store.records, path, { signal });
  }

  /** Yields those of some digests that no server has claimed within the grace. */
  async *#candidates(
    digests: Iterable<Hash>,
    { mentioned, idle }: Marked,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Candidate, void, undefined> {
    const { repositories: { claims }, cutoff } = this.#options;
    for (const batch of batches(digests, BATCH)) {
      yield* (await mapConcurrent(batch, { concurrency: CONCURRENCY, signal }, async (digest, signal) => {
        const blob = await this.#store.blobs.get(digest, { signal });
        if (await claims.lastClaim(digest, blob, { signal }) >= cutoff) return [];
        const links = idle.get(digest) ?? [];
        return [{ digest, isGarbage: !mentioned.has(digest), links, size: blob?.size }];
      })).flat();
    }
  }

  /** Removes blobs with their claims, and idle links. */
  async #remove(batch: readonly Candidate[], signal: AbortSignal | undefined): Promise<void> {
    const { dryRun, onBlob } = this.#options;
    const gone = new Set<Hash>();
    try {
      if (dryRun) garbageOf(batch).forEach((digest) => gone.add(digest));
      else if (batch.length > 0) await this.#removeInTime(batch, gone, signal);
    } finally {
      for (const { digest, size } of batch) if (gone.has(digest) && size !== undefined) onBlob({ digest, size });
    }
  }

  /** Removes as many at a time as a removal has time for, and adds the blobs that are gone to a set. */
  async #removeInTime(batch: readonly Candidate[], gone: Set<Hash>, signal: AbortSignal | undefined): Promise<void> {
    const { repositories: { claims }, cutoff } = this.#options;
    const isDone = await claims.remove(batch, {
      unclaimedSince: cutoff,
      signal,
      steps: [
        (left) => this.#removeLinks(left),
        async (left) => {
          for (const digest of await deleteBlobs(this.#store.blobs, garbageOf(left))) gone.add(digest);
        },
        (left) => claims.forget(garbageOf(left)),
      ],
    });
    // One blob that takes too long is left to the next collection.
    if (isDone || batch.length === 1) return;
    const half = batch.length >> 1;
    await this.#removeInTime(batch.slice(0, half), gone, signal);
    await this.#removeInTime(batch.slice(half), gone, signal);
  }

  /** Removes idle links, and then the records by which they are found. */
  async #removeLinks(candidates: readonly Candidate[]): Promise<void> {
    const { records } = this.#store;
    const links = candidates.flatMap(({ digest, links }) =>
      links.map((link) => ({ digest, key: `${MENTIONS}${digestPrefix(digest)}/${link}` }))
    );
    const named = await mapConcurrent(links, { concurrency: CONCURRENCY }, async ({ digest, key }) => {
      const name = await records.get(key);
      return name ? [blobKey(new TextDecoder().decode(name), digest)] : [];
    });
    await deleteRecords(records, named.flat());
    await deleteRecords(records, links.map(({ key }) => key));
  }
}

function garbageOf(candidates: readonly Candidate[]): Hash[] {
  return candidates.flatMap(({ digest, isGarbage }) => isGarbage ? [digest] : []);
}

function* batches<T>(items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
