import type { Hash } from "../src/spec/mod.ts";
import { type GcGraph, GcLinks, type GcManifest, isAttachedTag } from "./gc_graph.ts";
import { type GcRules, RuledGraph } from "./gc_rules.ts";

/** A manifest that is not reachable. */
export interface GarbageManifest {
  /** Its digest. */
  readonly digest: Hash;
  /** Its tags, which are all deleted. */
  readonly tags: readonly string[];
  /** The reason for the deletion. */
  readonly reason: string;
  /**
   * The number of bytes that become free: its own, and those of blobs that only garbage of this repository names, each
   * counted for the first of them.
   */
  readonly bytes: number;
}

/** A tag to delete from a manifest that is kept. */
export interface GarbageTag {
  /** The tag. */
  readonly tag: string;
  /** The manifest of the tag. */
  readonly digest: Hash;
  /** The reason for the deletion. */
  readonly reason: string;
}

/** The garbage of a repository. */
export interface GarbagePlan {
  /** The manifests, sorted by digest. */
  readonly manifests: readonly GarbageManifest[];
  /** The tags of other manifests, sorted. */
  readonly tags: readonly GarbageTag[];
  /** The number of manifests that are kept only because their upload time is unknown. */
  readonly undated: number;
  /** The number of manifests that are kept only because they were uploaded within the grace period. */
  readonly young: number;
  /** The number of tags of other manifests that are kept only because of the grace period. */
  readonly youngTags: number;
}

/**
 * Finds the unreachable manifests of a repository: mark and sweep over a graph, without I/O.
 *
 * The roots are the tags that no rule removes, the content in use, and the manifests within the grace period. Members
 * of indexes, subjects, and referrers (by their subject, or by a tag like `sha256-<hex>`, `.sig`, `.att` or `.sbom`)
 * are kept with them. Such a tag is not a root: it is deleted with the manifest that it belongs to, but kept if the
 * repository lacks that manifest, unless the rules remove it. If it is kept for its age or its use, the manifest that
 * it belongs to is kept.
 *
 * @param now in milliseconds since the epoch
 */
export function planGarbage(graph: GcGraph, rules: GcRules, now: number): GarbagePlan {
  const links = new GcLinks(graph);
  const marked = mark(graph, rules, { links, now });
  const { ruled, removed, live } = marked;
  const all = [...graph.manifests.values()];
  const garbage = all.filter(({ digest }) => !live.has(digest)).sort(byDigest);

  const told = new Reasons(graph, links, removed);
  const bytes = countBytes(all.filter(({ digest }) => live.has(digest)), garbage);
  const loose = all.filter((manifest) => live.has(manifest.digest) && !ruled.isPinned(manifest))
    .flatMap((manifest) =>
      manifest.tags.filter((tag) => {
        if (!isAttachedTag(tag)) return removed.has(tag);
        const owner = links.owner(tag);
        return !ruled.isInGrace(manifest) && (owner ? !live.has(owner) : rules.orphans === true);
      }).map((tag) => ({ tag, digest: manifest.digest, reason: told.ofTag(tag) }))
    );
  return {
    manifests: garbage.map((manifest) => ({
      digest: manifest.digest,
      tags: manifest.tags,
      reason: told.of(manifest),
      bytes: bytes.get(manifest.digest)!,
    })),
    tags: loose.sort((a, b) => a.tag < b.tag ? -1 : 1),
    ...keptForAge(graph, rules, { links, now, ...marked }),
  };
}

/** The tags to delete, with the names of their rules, and the manifests to keep. */
interface Marked {
  readonly ruled: RuledGraph;
  readonly removed: ReadonlyMap<string, string>;
  readonly live: ReadonlyMap<Hash, Hash>;
}

/** Returns the tags to delete and the manifests to keep. */
function mark(
  graph: GcGraph,
  rules: GcRules,
  { links, now }: { links: GcLinks; now: number },
): Marked {
  const ruled = new RuledGraph(graph, rules, now);
  const removed = ruled.removedTags();
  const goes = (tag: string) => isAttachedTag(tag) ? rules.orphans || links.owner(tag) : removed.has(tag);
  const roots = [...graph.manifests.values()].flatMap((manifest) => {
    const { digest, tags } = manifest;
    if (ruled.isPinned(manifest) || ruled.isInGrace(manifest)) return [digest, ...links.owners(tags)];
    return tags.some((tag) => !goes(tag)) ? [digest] : [];
  });
  return { ruled, removed, live: links.reach(roots) };
}

/** Counts what would go if all of unknown age were old, and what more would go without the grace period. */
function keptForAge(
  graph: GcGraph,
  rules: GcRules,
  { links, now, ...marked }: { links: GcLinks; now: number } & Marked,
): Pick<GarbagePlan, "undated" | "young" | "youngTags"> {
  const manifests = new Map([...graph.manifests].map(([digest, facts]) => [digest, { uploaded: 0, ...facts }]));
  const again = (rules: GcRules) => mark({ ...graph, manifests }, rules, { links, now });
  const hasYoung = [...manifests.values()].some((manifest) => marked.ruled.isInGrace(manifest));
  const isDated = [...graph.manifests.values()].every(({ uploaded }) => uploaded !== undefined);
  const dated = isDated ? marked : again(rules);
  const ungraced = hasYoung ? again({ ...rules, grace: 0 }) : dated;
  const keptTags = [...ungraced.live.keys()].flatMap((digest) => manifests.get(digest)?.tags ?? []);
  return {
    undated: marked.live.size - dated.live.size,
    young: dated.live.size - ungraced.live.size,
    youngTags: keptTags.filter((tag) => ungraced.removed.has(tag) && !dated.removed.has(tag)).length,
  };
}

/** Finds the reason for a deletion. */
class Reasons {
  readonly #links: GcLinks;
  readonly #removed: ReadonlyMap<string, string>;
  readonly #indexes = new Map<Hash, Hash>();

  constructor(graph: GcGraph, links: GcLinks, removed: ReadonlyMap<string, string>) {
    this.#links = links;
    this.#removed = removed;
    for (const { digest, members } of graph.manifests.values()) {
      for (const member of members) this.#indexes.set(member, digest);
    }
  }

  of({ digest, tags, subject }: GcManifest): string {
    if (tags.length > 0) return [...new Set(tags.map((tag) => this.ofTag(tag)))].join("; ");
    if (subject) return `refers to ${subject}, which is unreachable`;
    const index = this.#indexes.get(digest);
    return index ? `member of ${index}, which is unreachable` : "no tag, and unreachable";
  }

  ofTag(tag: string): string {
    const rule = this.#removed.get(tag);
    if (rule !== undefined) return `${rule} removes the tag ${tag}`;
    const owner = this.#links.owner(tag);
    return owner
      ? `the tag ${tag} belongs to an unreachable manifest`
      : `the tag ${tag} belongs to a manifest that the repository does not have`;
  }
}

/**
 * Returns the bytes that become free with each deleted manifest: those of blobs that only deleted manifests name,
 * counted once.
 */
function countBytes(live: readonly GcManifest[], garbage: readonly GcManifest[]): Map<Hash, number> {
  const counted = new Set(live.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
  return new Map(garbage.map(({ digest, size, blobs }) => {
    let bytes = size;
    for (const blob of blobs) {
      if (counted.has(blob.digest)) continue;
      counted.add(blob.digest);
      bytes += blob.size;
    }
    return [digest, bytes];
  }));
}

function byDigest(a: GcManifest, b: GcManifest): number {
  return a.digest < b.digest ? -1 : 1;
}
