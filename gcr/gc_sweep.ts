import { HttpError } from "../src/errors.ts";
import { mapConcurrent } from "../src/io/mod.ts";
import type { Reference, Repository } from "../src/name/mod.ts";
import type { Puller, Pusher } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import type { GcTally, LeftWhy } from "./gc_events.ts";
import { type GcGraph, GcLinks } from "./gc_graph.ts";
import { type GarbageManifest, type GarbageTag, planGarbage } from "./gc_plan.ts";
import type { GcRules } from "./gc_rules.ts";
import type { Survey } from "./gc_survey.ts";

/** After so long a repository is looked at again before more of it is deleted, in milliseconds. */
const FRESH = 60_000;
/** How many manifests are deleted between two looks at the clock. */
const BATCH = 64;

/** What is to be deleted of a repository. */
export interface Garbage {
  /** Manifests with all of their tags. */
  readonly manifests: readonly Doomed[];
  /** Tags whose manifests stay. */
  readonly tags: readonly LooseTag[];
}

/** A manifest that is to go. */
export type Doomed = Pick<GarbageManifest, "digest" | "tags">;

/** A tag that is to go, and what it has to point at for that. */
export type LooseTag = Pick<GarbageTag, "tag" | "digest">;

/** What sweeps of one run have in common. */
export interface SweepOptions {
  /** What deletes. */
  readonly pusher: Pusher;
  /** What asks. */
  readonly puller: Puller;
  /** How many requests are on their way at the same time. */
  readonly jobs: number;
  /** How much may still be deleted. */
  readonly allowance: { left: number };
  /** Told of what happens. */
  readonly tally: GcTally;
  /** Notes that something is gone, before anything else happens. */
  readonly note: (name: string) => Promise<void>;
  /** The time, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/** What came of a wish to delete something. */
type Deletion = "deleted" | "gone" | "moved" | "unsupported" | HttpError;

/**
 * Deletes garbage of one repository: tags, then what leads to other manifests, then those. Before anything is deleted
 * the repository is looked at again: only what is still garbage, with the same tags, goes. What can't be deleted keeps
 * all that it leads to.
 */
export class Sweep {
  readonly #repository: Repository;
  readonly #survey: Survey;
  readonly #rules: GcRules;
  readonly #options: SweepOptions;
  /** What must stay, as something that is still there needs it. */
  readonly #needed = new Set<Hash>();
  /** What stays and was told of. */
  readonly #left = new Set<Hash>();
  #links!: GcLinks;
  #looked = 0;

  /** Makes it for a repository that was surveyed. */
  constructor(survey: Survey, rules: GcRules, options: SweepOptions) {
    this.#survey = survey;
    this.#repository = survey.repository;
    this.#rules = rules;
    this.#options = options;
  }

  /** Deletes what is garbage still. */
  async run(garbage: Garbage): Promise<GcGraph> {
    const graph = await this.#survey.look();
    const { tags, manifests } = this.#allowed(this.#agree(graph, garbage));
    await this.#deleteLooseTags(tags);
    await this.#deleteTags(manifests.values());
    for (const wave of this.#links.deletionWaves(manifests.keys())) {
      for (let at = 0; at < wave.length; at += BATCH) {
        const batch = wave.slice(at, at + BATCH);
        await this.#lookAgain(manifests);
        await this.#each(batch, (digest, signal) => this.#deleteManifest(manifests.get(digest)!, signal));
      }
    }
    return graph;
  }

  /** What of the garbage is garbage now too. */
  #agree(graph: GcGraph, garbage: Garbage): Garbage {
    this.#looked = this.#options.now();
    this.#links = new GcLinks(graph);
    const plan = planGarbage(graph, this.#rules, this.#looked);
    const current = new Map(plan.manifests.map((manifest) => [manifest.digest, manifest]));
    const manifests = garbage.manifests.filter(({ digest, tags }) => {
      if (!graph.manifests.has(digest)) return false;
      const now = current.get(digest);
      if (now && now.tags.toSorted().join() === [...tags].sort().join()) return true;
      this.#leave(digest, "changed", now ? "its tags have changed" : "something leads to it now");
      return false;
    });
    const going = new Set(manifests.map(({ digest }) => digest));
    for (const digest of graph.manifests.keys()) if (!going.has(digest)) this.#keepBelow(this.#links.needs(digest));
    const tags = garbage.tags.filter(({ tag, digest }) => {
      if (plan.tags.some((now) => now.tag === tag && now.digest === digest)) return true;
      const target = [...graph.manifests.values()].find((manifest) => manifest.tags.includes(tag));
      if (target) this.#leave(tag, "changed", target.digest === digest ? "it is kept now" : "it has moved");
      return false;
    });
    return { manifests, tags };
  }

  /** As much as may still be deleted, what leads to other manifests first. */
  #allowed({ tags, manifests }: Garbage): { tags: readonly LooseTag[]; manifests: ReadonlyMap<Hash, Doomed> } {
    const { allowance } = this.#options;
    const reason = "as much as may be was deleted";
    const take = (what: string) => {
      if (allowance.left > 0) return allowance.left--;
      this.#leave(what, "capped", reason);
    };
    const allowedTags = tags.filter(({ tag }) => take(tag));
    const doomed = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
    const chosen = new Map<Hash, Doomed>();
    for (const digest of this.#links.deletionWaves(doomed.keys()).flat()) {
      if (allowance.left > 0 && this.#needed.has(digest)) this.#leaveNeeded(digest);
      else if (take(digest)) chosen.set(digest, doomed.get(digest)!);
    }
    return { tags: allowedTags, manifests: chosen };
  }

  async #deleteLooseTags(tags: readonly LooseTag[]): Promise<void> {
    await this.#each(tags, async ({ tag, digest }, signal) => {
      const outcome = await this.#deleteTag(tag, digest, signal);
      if (outcome === "moved") this.#leave(tag, "changed", "it has moved");
      else if (outcome === "unsupported") this.#leave(tag, "refused", "the registry deletes no tags");
      else if (outcome instanceof HttpError) this.#leave(tag, "refused", outcome.message);
      else if (outcome === "deleted") {
        await this.#options.note(this.#nameOf(tag));
        this.#options.tally.tell({ kind: "untagged", repository: this.#repository.name, tag });
      }
    });
  }

  /** Deletes the tags of what goes. A manifest stays with the first that can't be deleted. */
  async #deleteTags(manifests: Iterable<Doomed>): Promise<void> {
    await this.#each(manifests, async ({ digest, tags }, signal) => {
      for (const tag of tags) {
        const outcome = await this.#deleteTag(tag, digest, signal);
        // A registry that deletes no tags drops them with the manifest.
        if (outcome === "deleted" || outcome === "gone" || outcome === "unsupported") continue;
        if (outcome === "moved") this.#leave(digest, "changed", `its tag ${tag} has moved`);
        else this.#leave(digest, "refused", `its tag ${tag}: ${outcome.message}`);
        return;
      }
    });
  }

  async #deleteTag(tag: string, digest: Hash, signal: AbortSignal): Promise<Deletion> {
    const { puller } = this.#options;
    const reference = this.#repository.tag(tag);
    try {
      if ((await puller.head(reference, { signal })).digest !== digest) return "moved";
    } catch (error) {
      if (isMissing(error)) return "gone";
      throw error;
    }
    return await this.#delete(reference, signal);
  }

  async #deleteManifest({ digest }: Doomed, signal: AbortSignal): Promise<void> {
    if (this.#left.has(digest)) return;
    if (this.#needed.has(digest)) return this.#leaveNeeded(digest);
    const outcome = await this.#delete(this.#repository.digest(digest), signal);
    if (outcome === "deleted") {
      await this.#options.note(this.#nameOf(digest));
      this.#options.tally.tell({ kind: "deleted", repository: this.#repository.name, digest });
    } else if (outcome !== "gone") {
      this.#leave(digest, "refused", outcome === "unsupported" ? "the registry deletes no manifests" : outcome.message);
    }
  }

  async #delete(reference: Reference, signal: AbortSignal): Promise<Exclude<Deletion, "moved">> {
    try {
      // What it refers to goes as well, and with that the list of what does.
      await this.#options.pusher.delete(reference, { subject: null, signal });
      return "deleted";
    } catch (error) {
      if (isMissing(error)) return "gone";
      if (!(error instanceof HttpError)) throw error;
      const codes = error.diagnostics.map(({ code }) => code);
      // By a tag, docker-registry says that it is no digest.
      const isUnknown = error.status === 400 &&
        codes.some((code) => code === "UNSUPPORTED" || code === "DIGEST_INVALID");
      return error.status === 405 || error.status === 501 || isUnknown ? "unsupported" : error;
    }
  }

  /** Looks again where the last look is long ago; what is no garbage any more stays. */
  async #lookAgain(manifests: ReadonlyMap<Hash, Doomed>): Promise<void> {
    if (this.#options.now() - this.#looked < FRESH) return;
    const graph = await this.#survey.look();
    this.#looked = this.#options.now();
    const { manifests: garbage } = planGarbage(graph, this.#rules, this.#looked);
    const still = new Set(garbage.map(({ digest }) => digest));
    for (const digest of manifests.keys()) {
      if (!graph.manifests.has(digest) || still.has(digest) || this.#left.has(digest)) continue;
      this.#leave(digest, "changed", "something leads to it now");
    }
    for (const digest of still) if (!manifests.has(digest)) this.#keepBelow(new GcLinks(graph).needs(digest));
  }

  /** Works on some items at the same time. */
  async #each<T>(items: Iterable<T>, work: (item: T, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { jobs, signal } = this.#options;
    await mapConcurrent(items, { concurrency: jobs, signal }, work);
  }

  /** Tells that something stays, a manifest with all that it leads to. */
  #leave(what: string, why: LeftWhy, reason: string): void {
    this.#options.tally.tell({ kind: "left", name: this.#nameOf(what), why, reason });
    if (!isHash(what)) return;
    this.#left.add(what);
    this.#keepBelow(this.#links.leansOn(what));
  }

  #leaveNeeded(digest: Hash): void {
    this.#leave(digest, "needed", "something that is still there needs it");
  }

  #keepBelow(digests: Iterable<Hash>): void {
    for (const digest of digests) this.#needed.add(digest);
  }

  #nameOf(what: string): string {
    return `${this.#repository}${isHash(what) ? "@" : ":"}${what}`;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof HttpError && error.status === 404;
}
