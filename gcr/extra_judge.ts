import { referrersTag } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import type { ExtraItem } from "./copy_options.ts";
import type { CopyRun } from "./copy_run.ts";
import { type GcGraph, GcLinks, type GcManifest } from "./gc_graph.ts";
import type { Survey } from "./gc_survey.ts";
import type { Garbage } from "./gc_sweep.ts";
import type { RepositoryListing } from "./list.ts";

/** What is extra in a repository. */
export interface Extra extends Garbage {
  /** What is extra, or was when a list was made of it, and stays: a tag or a digest, and why. */
  readonly left: ReadonlyMap<string, string>;
}

/** What a manifest says of itself in a judgement. */
type Tagged = Pick<GcManifest, "digest" | "tags">;

/** Judges what a repository of the target has and its source has not. */
export class ExtraJudge {
  readonly #run: CopyRun;
  readonly #listing: RepositoryListing;
  readonly #tags: ReadonlySet<string>;
  /** What a list allows to delete; `undefined` where there is none. */
  readonly #allowed: readonly ExtraItem[] | undefined;
  readonly #allowedKeys: ReadonlySet<string>;

  /** Makes it for what the source has, and the items of that repository in a list. */
  constructor(run: CopyRun, listing: RepositoryListing, allowed: readonly ExtraItem[] | undefined) {
    this.#run = run;
    this.#listing = listing;
    this.#tags = new Set(listing.tags);
    this.#allowed = allowed;
    this.#allowedKeys = new Set(allowed?.map(({ tag, digest }) => keyOf(digest, tag)));
  }

  /** Whether anything has to be looked at, going by what the repository had before the copy. */
  isConcerned({ tags, manifest }: RepositoryListing): boolean {
    if (this.#allowed) return this.#allowed.length > 0;
    const digests = this.#tellsOf(manifest !== undefined) ? Object.keys(manifest!) : [];
    return tags.some((tag) => this.#isExtra(tag)) || digests.some((digest) => !this.#isInSource(digest));
  }

  /**
   * What can go, and what would be extra but stays: what is needed by anything that stays, and what belongs to
   * something that stays though the source does not have it.
   *
   * @throws {NotFoundError} when a member is missing of what stays: what that leads to is not known then.
   */
  judge(graph: GcGraph, survey: Survey): Extra {
    const links = new GcLinks(graph);
    const all = [...graph.manifests.values()];
    const tells = this.#tellsOf(survey.summary().listsUntagged);
    const goes = (tag: string, digest: Hash) => this.#isExtra(tag) && this.#isAllowed(digest, tag);
    const isFree = ({ digest, tags }: Tagged) => tags.every((tag) => goes(tag, digest) || this.#willMove(tag));
    const isExtra = (manifest: Tagged) =>
      isFree(manifest) && (!tells || (!this.#isInSource(manifest.digest) && this.#isAllowed(manifest.digest)));
    const ours = links.reach(this.#mirrored(all), () => false);
    const isWhole = (digest: Hash) => !ours.has(digest);
    const owned = new Map(
      all.flatMap(({ digest, tags }) =>
        links.owners(tags.filter((tag) => !goes(tag, digest))).map((owner): [Hash, Hash] => [owner, digest])
      ),
    );
    const staying = all.filter((manifest) => !isExtra(manifest)).map(({ digest }) => digest);
    const kept = links.reach([...staying, ...owned.keys()], isWhole);

    const left = new Map<string, string>();
    const tags = all.flatMap(({ digest, tags }) =>
      tags.filter((tag) => goes(tag, digest)).map((tag) => ({ tag, digest }))
    ).filter(({ tag }) => {
      const owner = links.owner(tag);
      if (!owner || !kept.has(owner) || !isWhole(owner)) return true;
      left.set(tag, `it belongs to ${graph.name}@${owner}, which stays`);
      return false;
    });
    const candidates = tells ? all.filter(isExtra) : [];
    for (const { digest } of candidates) {
      const from = kept.get(digest);
      if (!from) continue;
      const keeper = from === digest ? owned.get(digest)! : from;
      const isNeeded = from === digest || links.needs(keeper).includes(digest);
      const name = `${graph.name}@${keeper}`;
      left.set(digest, isNeeded ? `${name} needs it, which stays` : `it belongs to ${name}, which stays`);
    }
    this.#explain(graph, { tells, goes, left });
    const manifests = candidates.filter(({ digest }) => !kept.has(digest));
    if (manifests.length > 0) survey.checkWhole(kept.keys(), "delete or mend that index");
    return { manifests, tags, left };
  }

  /**
   * What can go by digest because all of its tags can, where a registry deletes no tags: nothing that the source lists,
   * or that anything else needs.
   */
  judgeByDigest(graph: GcGraph, survey: Survey): Garbage {
    const going = new Set(this.judge(graph, survey).tags.map(({ tag }) => tag));
    const links = new GcLinks(graph);
    const all = [...graph.manifests.values()];
    const isFree = ({ digest, tags }: Tagged) =>
      tags.length > 0 && tags.every((tag) => going.has(tag)) && !this.#isInSource(digest);
    const staying = all.filter((manifest) => !isFree(manifest)).map(({ digest }) => digest);
    const owners = links.owners(all.flatMap(({ tags }) => tags.filter((tag) => !going.has(tag))));
    const kept = links.reach([...staying, ...owners], () => false);
    survey.checkWhole(kept.keys(), "delete or mend that index");
    return { manifests: all.filter(({ digest }) => !kept.has(digest)), tags: [] };
  }

  /** Says why what a list has stays. */
  #explain(
    { manifests }: GcGraph,
    { tells, goes, left }: {
      tells: boolean;
      goes: (tag: string, digest: Hash) => boolean;
      left: Map<string, string>;
    },
  ): void {
    const targets = new Map([...manifests.values()].flatMap(({ digest, tags }) => tags.map((tag) => [tag, digest])));
    for (const { tag, digest } of this.#allowed ?? []) {
      const what = tag ?? digest;
      if (left.has(what)) continue;
      if (tag !== undefined) {
        const target = targets.get(tag);
        if (target === undefined || goes(tag, target)) continue;
        left.set(what, target === digest ? this.#whyKept(tag) : "it has moved");
        continue;
      }
      const found = manifests.get(digest);
      if (!found) continue;
      const other = found.tags.find((tag) => !goes(tag, digest) && !this.#willMove(tag));
      if (!tells) left.set(what, "whether the source has it can't be known");
      else if (this.#isInSource(digest)) left.set(what, "the source has it");
      else if (other !== undefined) left.set(what, `the tag ${other} points at it`);
    }
  }

  #whyKept(tag: string): string {
    if (this.#tags.has(tag)) return "the source has it";
    return this.#run.wantsTag(tag) ? "it lists what refers to what the source has" : "the options leave it out";
  }

  /** What is there because the source has it, as far as its listing tells. */
  #mirrored(all: readonly Tagged[]): Hash[] {
    const { manifest } = this.#listing;
    return all.filter(({ digest, tags }) => manifest ? digest in manifest : tags.some((tag) => this.#tags.has(tag)))
      .map(({ digest }) => digest);
  }

  /** Whether it can be told of manifests without a tag that the source does not have them. */
  #tellsOf(targetLists: boolean): boolean {
    return targetLists && this.#run.wantsAll && this.#listing.manifest !== undefined;
  }

  #isInSource(digest: string): boolean {
    return digest in (this.#listing.manifest ?? {});
  }

  #isAllowed(digest: Hash, tag?: string): boolean {
    return this.#allowed === undefined || this.#allowedKeys.has(keyOf(digest, tag));
  }

  #isExtra(tag: string): boolean {
    return !this.#tags.has(tag) && this.#run.wantsTag(tag) && !standsForReferrers(tag, this.#listing);
  }

  /** Whether a dry run has left a tag on a manifest that the copy moves it away from. */
  #willMove(tag: string): boolean {
    const { dryRun = false, noClobber = false } = this.#run.options;
    return dryRun && !noClobber && this.#tags.has(tag);
  }
}

/** A tag as {@linkcode referrersTag} makes it. */
const REFERRERS_TAG = /^(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{121})$/;

/**
 * Whether a tag holds the list of what refers to a manifest of the source, which the copy makes where a registry keeps
 * none itself.
 */
function standsForReferrers(tag: string, { manifest, tags, child }: RepositoryListing): boolean {
  if (!REFERRERS_TAG.test(tag)) return false;
  // A plain list does not tell of the members of indexes, so any could be one.
  if (!manifest) return tags.length > 0 || child !== undefined;
  return Object.keys(manifest).some((digest) => isHash(digest) && referrersTag(digest) === tag);
}

function keyOf(digest: Hash, tag: string | undefined): string {
  return tag === undefined ? digest : `${tag} ${digest}`;
}

/** The name of a tag or a digest in a repository. */
export function nameOf(repository: string, what: string): string {
  return `${repository}${isHash(what) ? "@" : ":"}${what}`;
}
