import { ManifestError, NotFoundError } from "../src/errors.ts";
import { mapConcurrent, type Semaphore } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import type { Puller } from "../src/remote/mod.ts";
import type { Hash } from "../src/spec/mod.ts";
import { findOrUndefined } from "../src/transport/internal.ts";
import type { RepositorySummary } from "./gc_events.ts";
import { attachedDigest, type GcBlob, type GcGraph, type GcManifest } from "./gc_graph.ts";
import { createdTime, type GcFacts, gcFacts } from "./gc_manifest.ts";
import { type ListedManifest, listedManifests } from "./listed_manifests.ts";
import { listRepository, type RepositoryListing } from "./list.ts";

/** The longest chain of manifests from one that is listed. */
const MOST_LEVELS = 32;

/** Options of a {@linkcode Survey}. */
export interface SurveyOptions {
  /** Reads from the registry. */
  readonly puller: Puller;
  /** Limits the number of concurrent requests over all surveys. */
  readonly slots: Semaphore;
  /** The number of those slots. */
  readonly jobs: number;
  /** Whether an image's own creation time is used if its upload time is unknown. */
  readonly trustCreated: boolean;
  /** Whether an index may have members that the repository lacks. */
  readonly allowMissing: boolean;
  /** Ends the survey. */
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode Survey.look}. */
export interface LookOptions {
  /** The repository's listing, if it was requested already. */
  readonly listing?: RepositoryListing;
  /** Manifests to read even if no tag leads to them any more. */
  readonly suspects?: Iterable<Hash>;
  /**
   * Manifests whose referrers are requested again.
   *
   * @default all
   */
  readonly anew?: readonly Hash[];
}

/**
 * The manifests of a repository and their references. Each manifest is fetched once, even if the repository is read
 * several times.
 *
 * On a registry that lists all manifests, the referrers follow from the manifests. On others the referrers API is
 * requested for each manifest; the referrers tags are among the repository's tags in any case.
 */
export class Survey {
  /** The repository. */
  readonly repository: Repository;
  readonly #options: SurveyOptions;
  readonly #facts = new Map<Hash, GcFacts>();
  readonly #created = new Map<Hash, number | undefined>();
  readonly #referrers = new Map<Hash, readonly Hash[]>();
  readonly #missing = new Set<Hash>();
  readonly #blobs = new Map<Hash, GcBlob>();
  #summary: Omit<RepositorySummary, "name"> = {
    manifests: 0,
    undated: 0,
    young: 0,
    youngTags: 0,
    listsUntagged: false,
  };

  /** Creates a survey; sends no request yet. */
  constructor(repository: Repository, options: SurveyOptions) {
    this.repository = repository;
    this.#options = options;
  }

  /**
   * Reads the current state of the repository.
   *
   * @throws {GcraneError} if anything that may have references can't be read.
   */
  async look({ listing, suspects = [], anew }: LookOptions = {}): Promise<GcGraph> {
    const { puller, jobs, signal } = this.#options;
    for (const digest of anew ?? [...this.#referrers.keys()]) this.#referrers.delete(digest);
    // A manifest that was missing may exist now.
    if (!anew) this.#missing.clear();
    const current = listing ?? await listRepository(this.repository, { puller, signal });
    const listed = new Map<Hash, ListedManifest>();
    for await (const manifest of listedManifests(this.repository, current, { puller, jobs, signal })) {
      listed.set(manifest.digest, manifest);
    }
    const told = current.manifest !== undefined;
    // A list of tags lacks manifests that have lost their tags, or have only a signature's tag, and may have referrers.
    const owners = current.tags.map(attachedDigest).filter((owner) => owner !== undefined);
    const unlisted = told ? [] : [...suspects, ...owners].filter((digest) => !this.#missing.has(digest));
    const found = await this.#follow([...new Set([...listed.keys(), ...unlisted])], listed, told);
    const manifests = new Map<Hash, GcManifest>();
    for (const digest of [...found].sort()) {
      const { needed: _, ...facts } = this.#facts.get(digest)!;
      const { tags = [], uploaded } = listed.get(digest) ?? {};
      const time = uploaded?.getTime() ?? this.#created.get(digest);
      manifests.set(digest, { ...facts, tags, ...(time !== undefined && { uploaded: time }) });
    }
    this.#summary = { manifests: manifests.size, undated: 0, young: 0, youngTags: 0, listsUntagged: told };
    return {
      repository: this.repository.path,
      name: this.repository.name,
      manifests,
      referrers: this.#referrers,
    };
  }

  /** Returns the summary of the last read. */
  summary(): RepositorySummary {
    return { name: this.repository.name, ...this.#summary };
  }

  /** Fetches manifests and everything that they lead to; returns the digests of those that exist. */
  async #follow(start: Hash[], listed: ReadonlyMap<Hash, ListedManifest>, told: boolean): Promise<Set<Hash>> {
    const found = new Set<Hash>();
    let wave = start;
    for (let level = 0; wave.length > 0; level++) {
      if (level > MOST_LEVELS) {
        throw new ManifestError(`${this.repository}: a chain of manifests has more than ${MOST_LEVELS} levels`, {
          hint: "the rest of the chain is unknown, so nothing in this repository is deleted",
        });
      }
      const leads = await this.#inSlots(wave, (digest, signal) => this.#fetch(digest, { listed, told, signal }));
      for (const digest of wave) if (!this.#missing.has(digest)) found.add(digest);
      wave = [...new Set(leads.flat())].filter((digest) => !found.has(digest) && !this.#missing.has(digest));
    }
    if (!this.#options.allowMissing) {
      this.checkWhole(found, "delete or repair that index, or ignore its missing members with --allow-missing");
    }
    if (this.#options.trustCreated) await this.#findAges(found, listed);
    return found;
  }

  /** Fetches a manifest unless it is known; returns the digests that it leads to. */
  async #fetch(
    digest: Hash,
    options: { listed: ReadonlyMap<Hash, ListedManifest>; told: boolean; signal: AbortSignal },
  ): Promise<readonly Hash[]> {
    const { listed, told, signal } = options;
    const { puller } = this.#options;
    const reference = this.repository.digest(digest);
    if (!this.#facts.has(digest)) {
      const get = () => puller.get(reference, { signal });
      const found = await (listed.has(digest) ? get() : findOrUndefined(get));
      if (!found) {
        this.#missing.add(digest);
        return [];
      }
      this.#facts.set(digest, gcFacts(found, (blob) => this.#intern(blob)));
      this.#missing.delete(digest);
    }
    const { members, subject, mentions = [] } = this.#facts.get(digest)!;
    if (!told && !this.#referrers.has(digest)) {
      const index = await puller.referrers(reference, { fallback: false, signal });
      this.#referrers.set(digest, (await index.manifest({ signal })).manifests.map(({ digest }) => digest));
    }
    // A listing of all manifests contains every mentioned manifest already.
    return [...members, ...subject ? [subject] : [], ...told ? [] : mentions, ...this.#referrers.get(digest) ?? []];
  }

  /**
   * Checks that some manifests are complete.
   *
   * @throws {NotFoundError} if an index lists a manifest that does not exist, as its references are unknown then.
   */
  checkWhole(digests: Iterable<Hash>, hint: string): void {
    for (const digest of digests) {
      const member = this.#facts.get(digest)!.needed.find((needed) => this.#missing.has(needed));
      if (member === undefined) continue;
      throw new NotFoundError(`${this.repository}@${digest} names ${member}, which the repository does not have`, {
        hint,
      });
    }
  }

  async #findAges(found: ReadonlySet<Hash>, listed: ReadonlyMap<Hash, ListedManifest>): Promise<void> {
    const undated = [...found].filter((digest) =>
      listed.get(digest)?.uploaded === undefined && !this.#created.has(digest)
    );
    const { puller } = this.#options;
    await this.#inSlots(undated, async (digest, signal) => {
      const { config } = this.#facts.get(digest)!;
      if (config) this.#created.set(digest, await createdTime(puller, this.repository.digest(config), { signal }));
    });
    // An index is as young as its youngest member.
    const ageOf = (digest: Hash, depth = 0): number | undefined => {
      const own = this.#created.get(digest);
      if (own !== undefined || depth > 8) return own;
      const times = (this.#facts.get(digest)?.members ?? []).map((member) => ageOf(member, depth + 1));
      return times.length === 0 || times.includes(undefined) ? undefined : Math.max(...times.map(Number));
    };
    for (const digest of undated) this.#created.set(digest, ageOf(digest));
  }

  #inSlots<R>(digests: readonly Hash[], work: (digest: Hash, signal: AbortSignal) => Promise<R>): Promise<R[]> {
    const { slots, jobs, signal } = this.#options;
    return mapConcurrent(
      digests,
      { concurrency: jobs, signal },
      (digest, signal) => slots.run(() => work(digest, signal), { signal }),
    );
  }

  #intern(blob: GcBlob): GcBlob {
    const known = this.#blobs.get(blob.digest);
    if (!known) this.#blobs.set(blob.digest, blob);
    return known ?? blob;
  }
}
