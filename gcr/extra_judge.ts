import { referrersTag } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import type { ExtraItem } from "./copy_options.ts";
import type { CopyRun } from "./copy_run.ts";
import { type GcGraph, GcLinks, type GcManifest } from "./gc_graph.ts";
import type { Survey } from "./gc_survey.ts";
import type { Garbage } from "./gc_sweep.ts";
import type { RepositoryListing } from "./list.ts";

/** The extra content of a repository. */
export interface Extra extends Garbage {
  /** Extra content that is kept, or was extra when a list was made: each tag or digest with the reason. */
  readonly left: ReadonlyMap<string, string>;
}

/** The part of a manifest that decides whether it is extra. */
type Tagged = Pick<GcManifest, "digest" | "tags">;

/** Decides which content of a target repository is extra. */
export class ExtraJudge {
  readonly #run: CopyRun;
  readonly #listing: RepositoryListing;
  readonly #tags: ReadonlySet<string>;
  /** The content of the source that its listing lacks. */
  readonly #unlisted = new Set<string>();
  /** The deletable content from a list; `undefined` without a list. */
  readonly #allowed: readonly ExtraItem[] | undefined;
  readonly #allowedKeys: ReadonlySet<string>;

  /** Creates an instance for the listing of the source and the list's items of the repository. */
  constructor(run: CopyRun, listing: RepositoryListing, allowed: readonly ExtraItem[] | undefined) {
    this.#run = run;
    this.#listing = listing;
    this.#tags = new Set(listing.tags);
    this.#allowed = allowed;
    this.#allowedKeys = new Set(allowed?.map(({ tag, digest }) => keyOf(digest, tag)));
  }

  /** Learns that the source has a tag or a digest, or needs the tag, which its listing does not show. */
  learn(what: string): void {
    this.#unlisted.add(what);
  }

  /** Returns whether the listing before the copy contains anything that may be extra. */
  isConcerned({ tags, manifest }: RepositoryListing): boolean {
    if (this.#allowed) return this.#allowed.length > 0;
    const digests = this.#tellsOf(manifest !== undefined) ? Object.keys(manifest!) : [];
    return tags.some((tag) => this.#isExtra(tag)) || digests.some((digest) => !this.#isInSource(digest));
  }

  /**
   * Returns the content to delete, and the extra content that is kept because other content needs it or because it
   * belongs to kept content.
   *
   * @throws {NotFoundError} if a member of kept content is missing, as its references are unknown then.
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
      left.set(tag, `it belongs to ${graph.name}@${owner}, which is kept`);
      return false;
    });
    const candidates = tells ? all.filter(isExtra) : [];
    for (const { digest } of candidates) {
      const from = kept.get(digest);
      if (!from) continue;
      const keeper = from === digest ? owned.get(digest)! : from;
      const isNeeded = from === digest || links.needs(keeper).includes(digest);
      const name = `${graph.name}@${keeper}`;
      left.set(digest, isNeeded ? `${name} needs it, which is kept` : `it belongs to ${name}, which is kept`);
    }
    this.#explain(graph, { tells, goes, left });
    const manifests = candidates.filter(({ digest }) => !kept.has(digest));
    if (manifests.length > 0) survey.checkWhole(kept.keys(), "delete or repair that index");
    return { manifests, tags, left };
  }

  /**
   * Returns the content to delete by digest on a registry that can't delete tags: manifests of which all tags are
   * extra, and that neither the source nor other content needs.
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
    survey.checkWhole(kept.keys(), "delete or repair that index");
    return { manifests: all.filter(({ digest }) => !kept.has(digest)), tags: [] };
  }

  /** Records why an item of the list is kept. */
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
        left.set(what, target === digest ? this.#whyKept(tag) : "the tag has moved");
        continue;
      }
      const found = manifests.get(digest);
      if (!found) continue;
      const other = found.tags.find((tag) => !goes(tag, digest) && !this.#willMove(tag));
      if (!tells) left.set(what, "it is unknown whether the source has it");
      else if (this.#isInSource(digest)) left.set(what, "the source has it");
      else if (other !== undefined) left.set(what, `the tag ${other} points at it`);
    }
  }

  #whyKept(tag: string): string {
    if (this.#tags.has(tag) || this.#unlisted.has(tag)) return "the source has it";
    return this.#run.wantsTag(tag) ? "it lists the referrers of a manifest of the source" : "the options leave it out";
  }

  /** Returns the content that the source has, as far as its listing shows. */
  #mirrored(all: readonly Tagged[]): Hash[] {
    const { manifest } = this.#listing;
    return all.filter(({ digest, tags }) => manifest ? digest in manifest : tags.some((tag) => this.#tags.has(tag)))
      .map(({ digest }) => digest);
  }

  /** Returns whether the source's lack of a manifest without a tag can be known. */
  #tellsOf(targetLists: boolean): boolean {
    return targetLists && this.#run.wantsAll && this.#listing.manifest !== undefined;
  }

  #isInSource(digest: string): boolean {
    return this.#unlisted.has(digest) || digest in (this.#listing.manifest ?? {});
  }

  #isAllowed(digest: Hash, tag?: string): boolean {
    return this.#allowed === undefined || this.#allowedKeys.has(keyOf(digest, tag));
  }

  #isExtra(tag: string): boolean {
    return !this.#tags.has(tag) && !this.#unlisted.has(tag) && this.#run.wantsTag(tag) &&
      !this.#run.terms.keepsTag?.(tag) &&
      !standsForReferrers(tag, this.#listing);
  }

  /** Returns whether a dry run has left a tag in place that the copy would move. */
  #willMove(tag: string): boolean {
    const { dryRun = false, noClobber = false } = this.#run.options;
    return dryRun && !noClobber && this.#tags.has(tag);
  }
}

/** Returns whether a tag has the form that {@linkcode referrersTag} returns. */
export function isReferrersTag(tag: string): boolean {
  return /^(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{121})$/.test(tag);
}

/**
 * Returns whether a tag holds the referrers list of a manifest of the source, which the copy creates if a registry has
 * no referrers API.
 */
function standsForReferrers(tag: string, { manifest, tags, child }: RepositoryListing): boolean {
  if (!isReferrersTag(tag)) return false;
  // A plain listing lacks the members of indexes, so any digest may be one.
  if (!manifest) return tags.length > 0 || child !== undefined;
  return Object.keys(manifest).some((digest) => isHash(digest) && referrersTag(digest) === tag);
}

function keyOf(digest: Hash, tag: string | undefined): string {
  return tag === undefined ? digest : `${tag} ${digest}`;
}

/** Returns the name of a tag or a digest in a repository. */
export function nameOf(repository: string, what: string): string {
  return `${repository}${isHash(what) ? "@" : ":"}${what}`;
}
