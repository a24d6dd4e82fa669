import { HttpError } from "../src/errors.ts";
import { mapConcurrent } from "../src/io/mod.ts";
import type { Reference, Repository } from "../src/name/mod.ts";
import type { Puller, Pusher } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import { findOrUndefined } from "../src/transport/internal.ts";
import type { LeftWhy } from "./gc_events.ts";
import { type GcGraph, GcLinks, isAttachedTag } from "./gc_graph.ts";
import type { GarbageManifest, GarbageTag } from "./gc_plan.ts";
import type { Survey } from "./gc_survey.ts";

const OTHER_TAGS = "its tags have changed";
const MOVED = "the tag has moved";
const LED_TO = "it is reachable now";
const KEPT = "it is kept now";

/** Content of a repository to delete. */
export interface Garbage {
  /** Manifests, which are deleted with all their tags. */
  readonly manifests: readonly Doomed[];
  /** Tags of manifests that are kept. */
  readonly tags: readonly LooseTag[];
}

/** A manifest to delete. */
export type Doomed = Pick<GarbageManifest, "digest" | "tags">;

/** A tag to delete if it points at the digest. */
export type LooseTag = Pick<GarbageTag, "tag" | "digest">;

/** An event of a sweep. */
export type SweepEvent =
  /** A manifest was deleted, with its tags. */
  | { readonly kind: "deleted"; readonly digest: Hash; readonly tags: readonly string[] }
  /** A tag was deleted; `alone` if its manifest is kept. */
  | { readonly kind: "untagged"; readonly tag: string; readonly digest: Hash; readonly alone: boolean }
  /** Garbage was not deleted. */
  | {
    readonly kind: "left";
    /** A tag or a digest. */
    readonly what: string;
    readonly name: string;
    readonly why: LeftWhy;
    readonly reason: string;
    /** The registry's response if it refused. */
    readonly error?: HttpError;
  };

/**
 * Deletes tags and manifests: a `Pusher`, or the API of a registry that has one of its own. It fails with an
 * {@linkcode HttpError}: with 404 the content is gone, with 405 or 501 it can't be deleted in this way, and any other
 * status is a refusal. Another error ends the sweep.
 */
export type Deleter = Pick<Pusher, "delete">;

/** Options of {@linkcode Sweep}. */
export interface SweepOptions {
  /** Decides which content of the repository's current state to delete. @throws if that can't be known */
  readonly judge: (graph: GcGraph) => Garbage;
  /**
   * Finds out whether a tag or a digest must be kept for a reason outside of the repository, right before its deletion.
   * The judgement has to know it from then on.
   *
   * @default nothing has to
   */
  readonly mustStay?: (what: string, options: { signal: AbortSignal }) => Promise<boolean>;
  /** Deletes content. */
  readonly deleter: Deleter;
  /** Reads from the registry. */
  readonly puller: Puller;
  /** The number of concurrent requests. */
  readonly jobs: number;
  /** The number of further deletions that are allowed. */
  readonly allowance: { left: number };
  /** Called and awaited for each event. */
  readonly tell: (event: SweepEvent) => void | Promise<void>;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/** The content to delete, manifests by digest. */
interface Sought {
  readonly manifests: ReadonlyMap<Hash, Doomed>;
  readonly tags: readonly LooseTag[];
}

/** The result of an attempt to delete. */
type DeletionOutcome = "deleted" | "gone" | "unsupported" | KeptOutcome | HttpError;

/** The content must be kept after all. */
interface KeptOutcome {
  readonly reason: string;
}

/**
 * Deletes garbage of one repository: tags, then manifests with references, then those that they reference. The
 * repository is read again first, and before each batch of manifests, which is as large as the number of concurrent
 * requests: a manifest is deleted only if it is still garbage and has no other tags. Content that is kept, or can't be
 * deleted, keeps everything that it leads to.
 *
 * A tag that belongs to a manifest is the only reference from that manifest to a signature, so it is deleted together
 * with the manifest that it points at, after such a read.
 *
 * No registry can guarantee that nothing has changed since the read: a reference that is created while a manifest is
 * being deleted comes too late.
 */
export class Sweep {
  readonly #repository: Repository;
  readonly #survey: Survey;
  readonly #options: SweepOptions;
  /** The manifests that existing content needs. */
  readonly #needed = new Set<Hash>();
  /** The manifests to delete of which everything around is kept, as far as the last read shows it. */
  readonly #kept = new Set<Hash>();
  /** The manifests to delete, as far as known. */
  #doomed: ReadonlySet<Hash> = new Set();
  /** The kept manifests that were reported. */
  readonly #left = new Set<Hash>();
  /** The kept tags that were reported. */
  readonly #leftTags = new Set<string>();
  /** The tags that were deleted. */
  readonly #untagged = new Set<string>();
  #links!: GcLinks;

  /** Creates a sweep of a repository that was surveyed. */
  constructor(survey: Survey, options: SweepOptions) {
    this.#survey = survey;
    this.#repository = survey.repository;
    this.#options = options;
  }

  /** Deletes the garbage that is still garbage. */
  async run(garbage: Garbage): Promise<void> {
    this.#doomed = new Set(garbage.manifests.map(({ digest }) => digest));
    const graph = await this.#survey.look({ suspects: this.#doomed });
    const { tags, manifests } = this.#allowed(this.#agree(graph, garbage));
    this.#doomed = new Set(manifests.keys());
    await this.#deleteLooseTags(tags.filter(({ tag }) => !isAttachedTag(tag)));
    await this.#deleteTags(manifests.values(), (tag) => !isAttachedTag(tag));
    const attached = tags.filter(({ tag }) => isAttachedTag(tag));
    for (const batch of this.#batches(attached)) await this.#deleteAttached(batch, { manifests, tags: attached });
    for (const batch of this.#links.deletionWaves(manifests.keys()).flatMap((wave) => this.#batches(wave))) {
      const all = { manifests, tags: [] };
      await this.#lookAgain(all, { digests: batch });
      const doomed = batch.filter((digest) => this.#mayGo(digest)).map((digest) => manifests.get(digest)!);
      if (doomed.some(({ tags }) => tags.some(isAttachedTag))) {
        await this.#deleteTags(doomed, isAttachedTag);
        await this.#lookAgain(all, { digests: batch });
      }
      await this.#each(doomed, (manifest, signal) => this.#deleteManifest(manifest, signal));
    }
  }

  /** Splits items into batches, each processed after one read. */
  #batches<T>(items: readonly T[]): T[][] {
    const { jobs } = this.#options;
    return Array.from({ length: Math.ceil(items.length / jobs) }, (_, at) => items.slice(at * jobs, (at + 1) * jobs));
  }

  /** Returns the part of the garbage that is still garbage. */
  #agree(graph: GcGraph, garbage: Garbage): Garbage {
    this.#links = new GcLinks(graph);
    const now = this.#options.judge(graph);
    const current = new Map(now.manifests.map((manifest) => [manifest.digest, manifest]));
    const manifests = garbage.manifests.filter(({ digest, tags }) => {
      if (!graph.manifests.has(digest)) return false;
      const found = current.get(digest);
      if (found && found.tags.toSorted().join() === [...tags].sort().join()) return true;
      this.#leave(digest, "changed", found ? OTHER_TAGS : LED_TO);
      return false;
    });
    const tags = garbage.tags.filter(({ tag, digest }) => {
      if (now.tags.some((found) => found.tag === tag && found.digest === digest)) return true;
      const target = [...graph.manifests.values()].find((manifest) => manifest.tags.includes(tag));
      if (target) this.#leave(tag, "changed", target.digest === digest ? KEPT : MOVED);
      return false;
    });
    this.#protect(graph, { manifests, tags });
    return { manifests, tags };
  }

  /** Keeps everything that is needed by manifests, and by their tags, that are not garbage. */
  #protect(graph: GcGraph, { manifests, tags }: Garbage): void {
    this.#kept.clear();
    const going = new Set(manifests.map(({ digest }) => digest));
    const loose = new Set(tags.map(({ tag }) => tag));
    for (const { digest, tags } of graph.manifests.values()) {
      if (going.has(digest)) continue;
      this.#keep(this.#links.needs(digest));
      this.#keep(this.#links.owners(tags.filter((tag) => !loose.has(tag))));
    }
  }

  /** Returns as much as may still be deleted, manifests with references first. */
  #allowed({ tags, manifests }: Garbage): Sought {
    const { allowance } = this.#options;
    const reason = "the limit of deletions was reached";
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
      if (outcome === "unsupported") this.#leave(tag, "refused", "the registry deletes no tags");
      else if (outcome instanceof HttpError) this.#leave(tag, "refused", outcome.message, outcome);
      else if (typeof outcome === "object") this.#leave(tag, "changed", outcome.reason);
      else if (outcome === "deleted") await this.#options.tell({ kind: "untagged", tag, digest, alone: true });
    });
  }

  /** Deletes tags of kept manifests that belong to manifests that are still to be deleted. */
  async #deleteAttached(batch: readonly LooseTag[], all: Sought): Promise<void> {
    const now = new Set((await this.#lookAgain(all, { tags: batch })).tags.map(({ tag }) => tag));
    // The judgement took the tags that were left for garbage, and what belongs to their manifests too.
    const held = this.#links.reach(this.#links.targets(this.#leftTags));
    const stays = (owner: Hash) => held.has(owner) || this.#stays(owner);
    const goes = ({ tag }: LooseTag) => now.has(tag) && !this.#links.owners([tag]).some(stays);
    for (const item of batch) if (!goes(item)) this.#leave(item.tag, "changed", KEPT);
    await this.#deleteLooseTags(batch.filter(goes));
  }

  /** Deletes tags of manifests to delete. The first failure keeps the manifest. */
  async #deleteTags(manifests: Iterable<Doomed>, isMeant: (tag: string) => boolean): Promise<void> {
    await this.#each(manifests, async ({ digest, tags }, signal) => {
      for (const tag of tags.filter(isMeant)) {
        const outcome = await this.#deleteTag(tag, digest, signal);
        if (outcome === "deleted") await this.#options.tell({ kind: "untagged", tag, digest, alone: false });
        // A registry that can't delete tags drops them with the manifest.
        if (outcome === "deleted" || outcome === "gone" || outcome === "unsupported") continue;
        if (outcome instanceof HttpError) this.#leave(digest, "refused", `its tag ${tag}: ${outcome.message}`, outcome);
        else this.#leave(digest, "changed", `its tag ${tag}: ${outcome.reason}`);
        return;
      }
    });
  }

  async #deleteTag(tag: string, digest: Hash, signal: AbortSignal): Promise<DeletionOutcome> {
    const reference = this.#repository.tag(tag);
    const target = await this.#targetOf(reference, signal);
    if (target !== digest) return target ? { reason: MOVED } : "gone";
    if (!isAttachedTag(tag) && await this.#options.mustStay?.(tag, { signal })) return { reason: KEPT };
    const outcome = await this.#delete(reference, signal);
    if (outcome === "deleted") this.#untagged.add(tag);
    // Some registries that can't delete tags respond with 404.
    return outcome === "gone" && await this.#targetOf(reference, signal) ? "unsupported" : outcome;
  }

  async #targetOf(tag: Reference, signal: AbortSignal): Promise<Hash | undefined> {
    return (await findOrUndefined(() => this.#options.puller.head(tag, { signal })))?.digest;
  }

  async #deleteManifest({ digest, tags }: Doomed, signal: AbortSignal): Promise<void> {
    if (!this.#mayGo(digest)) return;
    const outcome = await this.#delete(this.#repository.digest(digest), signal);
    if (outcome === "deleted") await this.#options.tell({ kind: "deleted", digest, tags });
    else if (outcome === "unsupported") this.#leave(digest, "refused", "the registry deletes no manifests");
    else if (outcome !== "gone") this.#leave(digest, "refused", outcome.message, outcome);
  }

  /** Returns whether a manifest may be deleted; reports it if not. */
  #mayGo(digest: Hash): boolean {
    if (this.#left.has(digest)) return false;
    if (this.#needed.has(digest)) this.#leaveNeeded(digest);
    return !this.#needed.has(digest);
  }

  async #delete(reference: Reference, signal: AbortSignal): Promise<Exclude<DeletionOutcome, KeptOutcome>> {
    try {
      // The subject is deleted too, and its referrers list with it.
      await this.#options.deleter.delete(reference, { subject: null, signal });
      return "deleted";
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (error.status === 404) return "gone";
      const codes = error.diagnostics.map(({ code }) => code);
      // For a tag, docker-registry reports an invalid digest.
      const isUnknown = error.status === 400 && (reference.kind === "tag" || codes.length > 0) &&
        codes.every((code) => code === "UNSUPPORTED" || code === "DIGEST_INVALID");
      return error.status === 405 || error.status === 501 || isUnknown ? "unsupported" : error;
    }
  }

  /**
   * Reads the repository again before manifests are deleted, keeps those that are not garbage any more, and returns the
   * others.
   */
  async #lookAgain(
    { manifests, tags }: Sought,
    batch: { readonly digests?: readonly Hash[]; readonly tags?: readonly LooseTag[] },
  ): Promise<Garbage> {
    const { digests = [] } = batch;
    const graph = await this.#survey.look({ suspects: manifests.keys(), anew: digests });
    this.#links = new GcLinks(graph);
    const attached = digests.flatMap((digest) => manifests.get(digest)!.tags.filter(isAttachedTag));
    await this.#each([...digests, ...attached, ...(batch.tags ?? []).map(({ tag }) => tag)], async (what, signal) => {
      await this.#options.mustStay?.(what, { signal });
    });
    const garbage = this.#options.judge(graph);
    const still = new Set(garbage.manifests.map(({ digest }) => digest));
    const anew = await this.#tagsSetAnew(graph);
    const going = [...manifests.values()].filter(({ digest, tags }) => {
      if (this.#left.has(digest)) return false;
      const now = graph.manifests.get(digest);
      if (!now) return true;
      const isSame = now.tags.every((tag) => tags.includes(tag) && !anew.has(tag));
      if (isSame && still.has(digest)) return true;
      this.#leave(digest, "changed", isSame ? LED_TO : OTHER_TAGS);
      return false;
    });
    this.#protect(graph, { manifests: going, tags });
    return garbage;
  }

  /** Returns the deleted tags that exist again. A list may still have a tag that was just deleted. */
  async #tagsSetAnew(graph: GcGraph): Promise<ReadonlySet<string>> {
    const listed = [...graph.manifests.values()].flatMap(({ tags }) => tags.filter((tag) => this.#untagged.has(tag)));
    const anew = new Set<string>();
    await this.#each(listed, async (tag, signal) => {
      if (await this.#targetOf(this.#repository.tag(tag), signal)) anew.add(tag);
    });
    return anew;
  }

  /** Runs work on items concurrently. */
  async #each<T>(items: Iterable<T>, work: (item: T, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { jobs, signal } = this.#options;
    await mapConcurrent(items, { concurrency: jobs, signal }, work);
  }

  /** Reports content that is kept; a manifest is kept with everything it leads to and with its referrers. */
  #leave(what: string, why: LeftWhy, reason: string, error?: HttpError): void {
    const name = `${this.#repository}${isHash(what) ? "@" : ":"}${what}`;
    this.#options.tell({ kind: "left", what, name, why, reason, ...(error && { error }) });
    if (!isHash(what)) return void this.#leftTags.add(what);
    this.#left.add(what);
    const below = this.#links.leansOn(what);
    // Referrers are deleted before their subject, so a subject beyond the limit does not keep them.
    if (why === "capped") { for (const digest of below) this.#needed.add(digest); }
    else this.#keep([what, ...below]);
  }

  #leaveNeeded(digest: Hash): void {
    this.#leave(digest, "needed", "other content needs it");
  }

  /** Keeps needed manifests, and with each manifest to delete everything that it leads to, and all its referrers. */
  #keep(digests: Iterable<Hash>): void {
    const open = [...digests];
    for (let digest = open.pop(); digest; digest = open.pop()) {
      this.#needed.add(digest);
      if (!this.#doomed.has(digest) || this.#kept.has(digest)) continue;
      this.#kept.add(digest);
      open.push(...this.#links.leansOn(digest), ...this.#links.referring(digest));
    }
  }

  /** Returns whether a manifest to delete is kept after all. */
  #stays(digest: Hash): boolean {
    return this.#doomed.has(digest) && (this.#left.has(digest) || this.#needed.has(digest));
  }
}
