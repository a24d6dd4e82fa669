import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import type { Repositories } from "../content/repositories.ts";
import { manifestKey, mentionsPath, repositoryPath } from "../content/repository_keys.ts";
import { EMPTY } from "../content/record_index.ts";
import type { RecordStore } from "../stores/store.ts";
import { digestKey, keyDigests } from "../stores/store_key.ts";
import { eachListed, namePages } from "../content/listed_names.ts";

const CONCURRENCY = 64;
/** The record below a repository's mentions that shows that all its links are recorded. */
const LINKS_RECORDED = "_links";

/** Options of {@linkcode MentionRepair}. */
export interface MentionRepairOptions extends AbortOptions {
  /** The time before which a push that has not ended was cut off, in milliseconds since 1970. */
  readonly cutoff: number;
  /** Whether to remove nothing. */
  readonly dryRun: boolean;
}

/** What the records have of one digest in a repository. */
interface Found {
  readonly digest: Hash;
  readonly isManifest: boolean;
  readonly isRecorded: boolean;
  /** The ids of pushes that have not ended. */
  readonly pushes: readonly string[];
}

/**
 * Makes the records of what manifests mention those of the manifests that are there, in all repositories. It compares
 * names: only a manifest without a record, from a server of an older version or of a push that was cut off, is read.
 * The index of tags is compared with the tags in the same walk.
 */
export class MentionRepair {
  readonly #records: RecordStore;
  readonly #repositories: Repositories;
  readonly #options: MentionRepairOptions;

  /** Makes the repair of a store's repositories. */
  constructor(records: RecordStore, repositories: Repositories, options: MentionRepairOptions) {
    this.#records = records;
    this.#repositories = repositories;
    this.#options = options;
  }

  /** Repairs all repositories. @throws {StoreError} if a manifest without a record can't be read. */
  async run(): Promise<void> {
    await this.#walk("", this.#options.signal);
  }

  /** Repairs the repository of a name and those below. */
  async #walk(name: string, signal: AbortSignal | undefined): Promise<void> {
    const own: string[] = [];
    const pool = { concurrency: CONCURRENCY, signal };
    for await (const page of namePages(this.#records, repositoryPath(name), { signal })) {
      const children: string[] = [];
      for (const entry of page) (entry.startsWith("_") ? own : children).push(entry);
      await mapConcurrent(children, pool, (child, signal) => this.#walk(join(name, child.slice(0, -1)), signal));
    }
    if (name === "") return;
    if (own.includes("_manifests/") || own.includes("_mentions/")) {
      await mapConcurrent(this.#incomplete(name, signal), pool, (found, signal) => this.#repair(name, found, signal));
    }
    if (own.includes("_tagged/") && !this.#options.dryRun) await this.#repositories.mendTags(name, { signal });
    if (own.includes("_blobs/")) await this.#recordLinks(name, signal);
    else if (own.includes("_mentions/")) await this.#records.delete(mentionsPath(name) + LINKS_RECORDED, { signal });
  }

  /** Lists the digests of a repository whose records and manifests differ. */
  async *#incomplete(name: string, signal: AbortSignal | undefined): AsyncGenerator<Found, void, undefined> {
    const manifests = eachListed(this.#records, `${repositoryPath(name)}_manifests/`, { signal });
    const records = eachListed(this.#records, mentionsPath(name), { signal });
    let [manifest, record] = [await manifests.next(), await records.next()];
    while (!manifest.done || !record.done) {
      const [recorded] = record.done ? [undefined] : record.value.split(".");
      const key = manifest.done || recorded !== undefined && recorded < manifest.value ? recorded! : manifest.value;
      const isManifest = !manifest.done && manifest.value === key;
      if (isManifest) manifest = await manifests.next();
      let isRecorded = false;
      const pushes: string[] = [];
      for (; !record.done && record.value.split(".")[0] === key; record = await records.next()) {
        if (record.value === key) isRecorded = true;
        else pushes.push(record.value);
      }
      if (isManifest === isRecorded && pushes.length === 0) continue;
      for (const digest of keyDigests([key])) yield { digest, isManifest, isRecorded, pushes };
    }
  }

  async #repair(name: string, found: Found, signal: AbortSignal): Promise<void> {
    const { digest, isManifest, isRecorded, pushes } = found;
    const { mentions } = this.#repositories;
    const { dryRun } = this.#options;
    if (isManifest && !isRecorded) {
      const mentioned = await this.#repositories.digestsNamedBy(name, digest, { signal });
      await mentions.record(name, { digest, mentions: mentioned }, { signal });
    }
    if (dryRun) return;
    const isUnderWay = await mapConcurrent(pushes, { concurrency: 1, signal }, (push, signal) => {
      return this.#endPush(name, { ...found, push }, signal);
    });
    if (!isManifest && !isUnderWay.includes(true)) await this.#drop(name, digest, signal);
  }

  /** Ends a push that was cut off; returns whether it may be under way. */
  async #endPush(name: string, { digest, push }: Found & { push: string }, signal: AbortSignal): Promise<boolean> {
    const { mentions } = this.#repositories;
    const pending = await mentions.read(name, push, { signal });
    if (pending && pending.time >= this.#options.cutoff) return true;
    // Its mentions may be incomplete, but those that there are can be found from now on without the record of the push.
    if (pending && !await this.#isThere(name, digest, signal)) {
      await mentions.record(name, { digest, mentions: pending.mentions }, { signal });
    }
    await this.#records.delete(mentionsPath(name) + push, { signal });
    return false;
  }

  /** Removes the mentions of a manifest that is gone. */
  async #drop(name: string, digest: Hash, signal: AbortSignal): Promise<void> {
    const { mentions } = this.#repositories;
    const recorded = await mentions.read(name, digestKey(digest), { signal });
    if (!recorded || await this.#isThere(name, digest, signal)) return;
    await mentions.drop(name, { digest, mentions: recorded.mentions }, { signal });
  }

  async #isThere(name: string, digest: Hash, signal: AbortSignal): Promise<boolean> {
    return await this.#records.get(manifestKey(name, digest), { signal }) !== undefined;
  }

  /** Records the links to blobs that servers of an older version made, once. */
  async #recordLinks(name: string, signal: AbortSignal | undefined): Promise<void> {
    const mark = mentionsPath(name) + LINKS_RECORDED;
    if (await this.#records.get(mark, { signal }) !== undefined) return;
    for await (const page of namePages(this.#records, `${repositoryPath(name)}_blobs/`, { signal })) {
      await mapConcurrent(
        keyDigests(page),
        { concurrency: CONCURRENCY, signal },
        (digest, signal) => this.#repositories.mentions.keepLink(name, digest, { signal }),
      );
    }
    await this.#records.put(mark, EMPTY, { durable: false, signal });
  }
}

function join(parent: string, child: string): string {
  return parent === "" ? child : `${parent}/${child}`;
}
