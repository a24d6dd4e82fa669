import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import { type Hash, isHash } from "../../spec/mod.ts";
import { keyDigests, positionAfter } from "../stores/store_key.ts";
import type { RecordStore, StoreListOptions } from "../stores/store.ts";
import type { RecordIndex } from "./record_index.ts";
import { LAST, repositoryPath, taggedEntry, taggedKey, taggedPrefix, tagKey } from "./repository_keys.ts";

const CONCURRENCY = 16;
/** The number of manifests that are looked through at once for those without a tag. */
const SCAN = 1_000;

/** A page of a list. */
export interface ListedPage<T> {
  readonly entries: readonly T[];
  /** The place after which the next page starts, if there may be one. */
  readonly next?: string;
}

/** A tag with the digest that it points at. */
export type TagTarget = readonly [tag: string, digest: Hash];

/** The tags of repositories, and the index of the tags by manifest. */
export class RepositoryTags {
  readonly #records: RecordStore;
  readonly #index: RecordIndex;
  readonly #readOnly: boolean;

  /** Creates the access to the tags of a store; of one that is read-only, no index is written. */
  constructor(records: RecordStore, { index, readOnly }: { index: RecordIndex; readOnly: boolean }) {
    this.#records = records;
    this.#index = index;
    this.#readOnly = readOnly;
  }

  /** Reads the digest that a tag points at, or `undefined`. */
  async get(name: string, tag: string, options?: AbortOptions): Promise<Hash | undefined> {
    const value = await this.#records.get(tagKey(name, tag), options);
    const digest = value && new TextDecoder().decode(value);
    return isHash(digest) ? digest : undefined;
  }

  /** Points a tag at a manifest. */
  async point(name: string, tag: string, digest: Hash): Promise<void> {
    const [before] = await Promise.all([
      this.get(name, tag),
      this.#index.begin(repositoryPath(name), tagsPath(name)),
    ]);
    const entry = taggedKey(name, digest, tag);
    // The entry comes first as well, so that a crash leaves no tag that a deletion of the manifest does not find.
    await this.#index.keep(entry);
    await this.#records.put(tagKey(name, tag), new TextEncoder().encode(digest));
    await this.#index.keep(entry);
    if (before !== undefined && before !== digest) await this.#dropEntry(name, before, tag);
  }

  /** Removes a tag; returns whether it was there. */
  async delete(name: string, tag: string): Promise<boolean> {
    const before = await this.get(name, tag);
    const isRemoved = await this.#records.delete(tagKey(name, tag));
    if (before !== undefined) await this.#dropEntry(name, before, tag);
    return isRemoved;
  }

  /** Removes the tags that point at a manifest. Without {@linkcode complete} before, it may not find all of them. */
  async deleteOf(name: string, digest: Hash): Promise<void> {
    const prefix = `${taggedPrefix(digest)}.`;
    const index = taggedPath(name);
    for (let after = prefix;;) {
      const entries = await this.#records.list(index, { after, limit: SCAN });
      const own = entries.filter((entry) => entry.startsWith(prefix));
      await mapConcurrent(own, { concurrency: CONCURRENCY }, async (entry) => {
        const tag = entry.slice(prefix.length);
        if (await this.get(name, tag) === digest) await this.#records.delete(tagKey(name, tag));
        await this.#dropEntry(name, digest, tag);
      });
      if (own.length < SCAN) return;
      after = own.at(-1)!;
    }
  }

  /** Lists tags, sorted, with the digests that they point at. Their manifests may be gone. */
  async page(name: string, options: StoreListOptions = {}): Promise<ListedPage<TagTarget>> {
    const { after, limit = Infinity, signal } = options;
    const isAll = limit === Infinity && after === undefined;
    const listEntries = async () =>
      isAll && await this.#index.isWhole(repositoryPath(name), { signal })
        ? await this.#records.list(taggedPath(name), { signal })
        : [];
    const [tags, entries] = await Promise.all([
      this.#records.list(tagsPath(name), { after, limit: limit + 1, signal }),
      listEntries(),
    ]);
    const shown = tags.slice(0, limit);
    return {
      entries: await this.#targets(name, shown, { entries, signal }),
      ...(tags.length > shown.length && { next: shown.at(-1) }),
    };
  }

  /**
   * Lists the manifests that no tag points at, sorted by digest. A page has those among the next thousand manifests, or
   * as many as the limit, and so may have fewer than the limit, or none, although another page follows.
   *
   * @param options.all all tags of the repository, if they are known
   */
  async untagged(name: string, options: StoreListOptions & { all?: readonly TagTarget[] }): Promise<ListedPage<Hash>> {
    const { after, limit = Infinity, signal } = options;
    const all = options.all ?? await this.#unindexed(name, { signal });
    const scan = Math.max(limit, SCAN);
    const from = after && after.replace(":", "-") + LAST;
    const list = (path: string) => this.#records.list(path, { after: from, limit: scan, signal });
    const [manifests, prefixes] = await Promise.all([
      list(`${repositoryPath(name)}_manifests/`),
      all
        ? Array.from(new Set(all.map(([, digest]) => digest)), taggedPrefix)
        : list(taggedPath(name)).then((entries) => entries.map((entry) => entry.slice(0, entry.indexOf(".")))),
    ]);
    const digests = keyDigests(manifests);
    // Beyond the last entry of a full list, nothing is known.
    const ends = [
      ...(manifests.length === scan ? digests.slice(-1).map(taggedPrefix) : []),
      ...(!all && prefixes.length === scan ? prefixes.slice(-1) : []),
    ].sort();
    const [end] = ends;
    const tagged = new Set(prefixes);
    const found = digests.filter((digest) => {
      const prefix = taggedPrefix(digest);
      return !tagged.has(prefix) && (end === undefined || prefix <= end);
    });
    const shown = found.slice(0, limit);
    const next = shown.length < found.length ? shown.length === 0 ? after ?? "" : taggedPrefix(shown.at(-1)!) : end;
    return { entries: shown, ...(next !== undefined && { next: next.replace("-", ":") }) };
  }

  /** Makes the index whole, if it is not, as in a store of an older version. */
  async complete(name: string, { signal }: AbortOptions = {}): Promise<void> {
    if (await this.#index.isWhole(repositoryPath(name), { signal })) return;
    const tags = await this.#records.list(tagsPath(name), { signal });
    await mapConcurrent(
      await this.#targets(name, tags, { signal }),
      { concurrency: CONCURRENCY, signal },
      ([tag, digest]) => this.#index.keep(taggedKey(name, digest, tag)),
    );
    await this.#index.markWhole(repositoryPath(name));
  }

  /**
   * Makes the entries of a whole index those of the tags: a server that was killed may have left others. It compares names,
   * and reads the tags alone that have several entries or none.
   */
  async mend(name: string, { signal }: AbortOptions = {}): Promise<void> {
    if (!await this.#index.isWhole(repositoryPath(name), { signal })) return; // it is made when it is needed
    const [tags, entries] = await Promise.all(
      [tagsPath, taggedPath].map((path) => this.#records.list(path(name), { signal })),
    );
    const targets = indexedTargets(tags, entries);
    const sure = new Set(tags.filter((_, at) => targets[at] !== undefined));
    const known = new Set(entries);
    const pool = { concurrency: CONCURRENCY, signal };
    await mapConcurrent(tags.filter((tag) => !sure.has(tag)), pool, async (tag, signal) => {
      const digest = await this.get(name, tag, { signal });
      if (digest !== undefined && !known.has(taggedEntry(digest, tag))) {
        await this.#index.keep(taggedKey(name, digest, tag));
      }
    });
    await mapConcurrent(entries, pool, async (entry) => {
      const tag = entry.slice(entry.indexOf(".") + 1);
      if (sure.has(tag)) return;
      const isNeeded = async () => {
        const digest = await this.get(name, tag);
        return digest !== undefined && taggedEntry(digest, tag) === entry;
      };
      if (!await isNeeded()) await this.#index.drop(taggedPath(name) + entry, isNeeded);
    });
  }

  /** Makes the index whole if it is not; returns all tags where no index can be written. */
  async #unindexed(name: string, options: AbortOptions): Promise<readonly TagTarget[] | undefined> {
    if (!this.#readOnly) await this.complete(name, options);
    else if (!await this.#index.isWhole(repositoryPath(name), options)) return (await this.page(name, options)).entries;
    return undefined;
  }

  /** Returns what tags point at, those that are gone left out; `entries` is the whole index, if it is known. */
  async #targets(
    name: string,
    tags: readonly string[],
    { entries = [], signal }: AbortOptions & { entries?: readonly string[] },
  ): Promise<TagTarget[]> {
    const digests = indexedTargets(tags, entries);
    const unknown = [...tags.keys()].filter((at) => digests[at] === undefined);
    await mapConcurrent(unknown, { concurrency: CONCURRENCY, signal }, async (at, signal) => {
      digests[at] = await this.get(name, tags[at], { signal });
    });
    const found: TagTarget[] = [];
    tags.forEach((tag, at) => digests[at] !== undefined && found.push([tag, digests[at]]));
    return found;
  }

  #dropEntry(name: string, digest: Hash, tag: string): Promise<void> {
    const isNeeded = async () => await this.get(name, tag) === digest;
    return this.#index.drop(taggedKey(name, digest, tag), isNeeded);
  }
}

/**
 * Returns what each of the sorted tags points at by the entries of a whole index. A tag that is there has an entry for the
 * manifest that it points at, so one with a single entry points there. Tags with several entries are left out.
 */
function indexedTargets(tags: readonly string[], entries: readonly string[]): (Hash | undefined)[] {
  const targets: (Hash | undefined)[] = Array(tags.length).fill(undefined);
  const several = new Set<number>();
  let start = "."; // as no entry does
  let digest: Hash | undefined;
  let at = -1;
  for (const entry of entries) {
    if (!entry.startsWith(start)) {
      start = entry.slice(0, entry.indexOf(".") + 1);
      [digest] = keyDigests([start.slice(0, -1)]); // that of a SHA-512 is not whole
    }
    // A manifest's entries are in the order of the tags, so the next tag is often its next one.
    const next = tags[at + 1];
    if (next !== undefined && entry.length === start.length + next.length && entry.endsWith(next)) at++;
    else {
      const tag = entry.slice(start.length);
      at = positionAfter(tags, tag) - 1;
      if (tags[at] !== tag) continue;
    }
    if (digest === undefined || targets[at] !== undefined) several.add(at);
    else targets[at] = digest;
  }
  for (const at of several) targets[at] = undefined;
  return targets;
}

function tagsPath(name: string): string {
  return `${repositoryPath(name)}_tags/`;
}

function taggedPath(name: string): string {
  return `${repositoryPath(name)}_tagged/`;
}
