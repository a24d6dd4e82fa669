import { type AbortOptions, digestBytes, mapConcurrent } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import { type Hash, hashHexDigits, isHash } from "../../spec/mod.ts";
import { deleteRecords, type RegistryStore } from "../stores/store.ts";
import { digestKey, digestPrefix, keyDigests } from "../stores/store_key.ts";
import { blobKey, manifestKey, mentionsPath } from "./repository_keys.ts";
import { EMPTY } from "./record_index.ts";

const CONCURRENCY = 64;
/** The path of all mentions. */
export const MENTIONS = "mentions/";

/** The digests that a manifest mentions, as they were recorded. */
export interface RecordedMentions {
  /** The time of the record, in milliseconds since 1970. */
  readonly time: number;
  /** The digests. */
  readonly mentions: readonly Hash[];
}

/** A mention of a digest, or the link of a repository to a blob, by the name of its record. */
export interface MentionName {
  /** The digest as the name has it. */
  readonly key: string;
  /** The digest of the content. */
  readonly digest: Hash;
  /** The repository, hashed. */
  readonly repository: string;
  /** The start of the manifest's digest; `undefined` for a link. */
  readonly manifest: string | undefined;
}

/**
 * What the manifests of a registry mention, recorded when they are pushed, so that the garbage collection reads no
 * manifest. The records of all repositories that concern digests with the same first two digits are in one directory:
 *
 * | Key | Value |
 * |---|---|
 * | `mentions/<digits>/<digest>.<repository>.<manifest>` | empty: a manifest of the repository mentions the digest |
 * | `mentions/<digits>/<digest>.<repository>` | the repository's name: it has a link to this blob |
 * | `repositories/<name>/_mentions/<manifest>` | the digests that the manifest mentions, all of them recorded |
 * | `repositories/<name>/_mentions/<manifest>.<id>` | the same, of a push that is under way |
 *
 * A push writes the last, the mentions, then the third with the manifest, and removes the last. So a manifest with the
 * third record has all its mentions, and what a killed server leaves is found by comparing the names of the manifests with
 * those of the records, which the garbage collection does first.
 */
export class Mentions {
  readonly #store: RegistryStore;
  readonly #clock: () => number;

  /** Makes the mentions of a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Records the mentions of a manifest that `write` then writes. */
  async recordWith(
    name: string,
    { digest, mentions }: { digest: Hash; mentions: Iterable<Hash> },
    write: () => Promise<unknown>,
  ): Promise<void> {
    const recorded = jsonBytes({ time: this.#clock(), mentions: [...mentions] } satisfies RecordedMentions);
    const pending = `${recordKey(name, digest)}.${crypto.randomUUID()}`;
    await this.#store.records.put(pending, recorded, { durable: false });
    await this.#keep(name, digest, mentions);
    await Promise.all([this.#store.records.put(recordKey(name, digest), recorded, { durable: false }), write()]);
    await this.#store.records.delete(pending);
  }

  /** Records the mentions of a manifest that is there. */
  async record(
    name: string,
    { digest, mentions }: { digest: Hash; mentions: Iterable<Hash> },
    options: AbortOptions = {},
  ): Promise<void> {
    await this.#keep(name, digest, mentions, options);
    const recorded = jsonBytes({ time: this.#clock(), mentions: [...mentions] } satisfies RecordedMentions);
    await this.#store.records.put(recordKey(name, digest), recorded, { durable: false, ...options });
  }

  /** Reads a record of mentions, by the manifest's digest as in keys and the id of its push; `undefined` if there is none. */
  async read(name: string, key: string, options?: AbortOptions): Promise<RecordedMentions | undefined> {
    const value = await this.#store.records.get(mentionsPath(name) + key, options);
    if (!value) return undefined;
    try {
      const { time, mentions } = JSON.parse(new TextDecoder().decode(value));
      return { time: Number(time) || 0, mentions: mentions.filter(isHash) };
    } catch {
      return undefined; // spoilt, and as good as missing
    }
  }

  /**
   * Removes the mentions of a manifest that is gone. If the manifest is pushed meanwhile, they are written again: a push
   * either shows that it is under way, or has written the manifest.
   */
  async drop(
    name: string,
    { digest, mentions }: { digest: Hash; mentions: Iterable<Hash> },
    options: AbortOptions = {},
  ): Promise<void> {
    const { records } = this.#store;
    await deleteRecords(records, await mentionKeys(name, digest, mentions), options);
    await records.delete(recordKey(name, digest), options);
    const isPushed = await this.isBeingPushed(name, digest, options) ||
      await records.get(manifestKey(name, digest), options) !== undefined;
    if (isPushed) await this.#keep(name, digest, mentions, options);
  }

  /** Returns whether a manifest is being pushed, or a push of it was cut off. */
  async isBeingPushed(name: string, digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    const start = `${digestKey(digest)}.`;
    const [next] = await this.#store.records.list(mentionsPath(name), { after: start, limit: 1, ...options });
    return next?.startsWith(start) ?? false;
  }

  /** Links a blob of the store to a repository, which may then serve it. */
  async link(name: string, digest: Hash): Promise<void> {
    await Promise.all([this.keepLink(name, digest), this.#store.records.put(blobKey(name, digest), EMPTY)]);
  }

  /** Records the link of a repository to a blob. */
  async keepLink(name: string, digest: Hash, options: AbortOptions = {}): Promise<void> {
    const value = new TextEncoder().encode(name);
    await this.#store.records.put(await linkKey(name, digest), value, { durable: false, ...options });
  }

  async #keep(name: string, digest: Hash, mentions: Iterable<Hash>, options: AbortOptions = {}): Promise<void> {
    const keys = await mentionKeys(name, digest, mentions);
    await mapConcurrent(
      keys,
      { concurrency: CONCURRENCY, ...options },
      (key, signal) => this.#store.records.put(key, EMPTY, { signal }),
    );
  }
}

/**
 * Reads the name of a record of a mention or a link; `undefined` for another name.
 *
 * @param last the name read before, often of the same digest, whose string then serves for both
 */
export function readMentionName(name: string, last?: MentionName): MentionName | undefined {
  const [key, repository, manifest] = name.split(".");
  const digest = last?.key === key ? last.digest : keyDigests([key])[0];
  return digest && repository ? { key, digest, repository, manifest } : undefined;
}

/** Returns the key of the record of a repository's link to a blob. */
export async function linkKey(name: string, digest: Hash): Promise<string> {
  return `${MENTIONS}${digestPrefix(digest)}/${digestKey(digest)}.${await repositoryId(name)}`;
}

async function mentionKeys(name: string, manifest: Hash, mentions: Iterable<Hash>): Promise<string[]> {
  // A whole SHA-512 would be too long for a name.
  const end = `${await repositoryId(name)}.${hashHexDigits(manifest).slice(0, 64)}`;
  return Array.from(mentions, (digest) => `${MENTIONS}${digestPrefix(digest)}/${digestKey(digest)}.${end}`);
}

async function repositoryId(name: string): Promise<string> {
  return hashHexDigits(await digestBytes(new TextEncoder().encode(name))).slice(0, 32);
}

function recordKey(name: string, digest: Hash): string {
  return mentionsPath(name) + digestKey(digest);
}
