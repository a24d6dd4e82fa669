import type { Hash } from "../src/spec/mod.ts";
import type { GcGraph, GcManifest } from "./gc_graph.ts";
import { isAttachedTag } from "./gc_graph.ts";
import { checkTagSetRule, type TagSet, tagSet, type TagSetRule } from "./gc_tag_set.ts";

/** Which tags stay. All that is said must hold. */
export interface KeepRule extends TagSetRule {
  /**
   * Only so many of them stay in each group, the newest.
   * @default all
   */
  readonly newest?: number;
}

/** Which tags go. All that is said must hold, and nothing may say that they stay. */
export interface RemoveRule extends TagSetRule {
  /**
   * So many of them stay in each group, the newest.
   * @default 0
   */
  readonly keepNewest?: number;
  /**
   * They go when they were uploaded so long ago, in milliseconds, and never when that is not known.
   * @default at any age
   */
  readonly olderThan?: number;
  /**
   * They go as long as they point at what is said here.
   * @default wherever they point
   */
  readonly targets?: ReadonlyMap<string, Hash>;
}

/** What is in use somewhere: it stays, with all that belongs to it, whatever other rules say. */
export interface GcPins {
  /** Digests of manifests, or of the configs of images; they count in every repository. */
  readonly digests: ReadonlySet<Hash>;
  /** Full names of tags, `registry.example.com/app:v1`. */
  readonly tags: ReadonlySet<string>;
}

/** What garbage collection goes by. */
export interface GcRules {
  /**
   * Tags that stay. This always wins.
   * @default none in particular
   */
  readonly keep?: readonly KeepRule[];
  /**
   * Tags that go.
   * @default none
   */
  readonly remove?: readonly RemoveRule[];
  /**
   * What is in use.
   * @default nothing
   */
  readonly pins?: GcPins;
  /**
   * For how long after its upload everything stays, in milliseconds; also what was uploaded nobody knows when. With 0
   * nothing is protected by its age.
   * @default 86400000
   */
  readonly grace?: number;
  /**
   * Whether tags like `sha256-….sig` go when the repository does not have what they belong to.
   * @default false
   */
  readonly orphans?: boolean;
}

/** How long everything stays after its upload when nobody says. */
export const DEFAULT_GRACE: number = 24 * 60 * 60 * 1000;

/** Refuses rules that make no sense. @throws {UsageError} with what is wrong. */
export function checkRules({ keep = [], remove = [] }: GcRules): void {
  for (const rule of [...keep, ...remove]) checkTagSetRule(rule);
}

/** A repository's manifests under rules. */
export class RuledGraph {
  readonly #graph: GcGraph;
  readonly #rules: GcRules;
  readonly #now: number;

  /** Puts a graph under rules. `now` is in milliseconds since the epoch. */
  constructor(graph: GcGraph, rules: GcRules, now: number) {
    this.#graph = graph;
    this.#rules = rules;
    this.#now = now;
  }

  /** Returns whether somebody uses the manifest. */
  isPinned({ digest, config, tags }: GcManifest): boolean {
    const { pins } = this.#rules;
    if (!pins) return false;
    if (pins.digests.has(digest) || (config !== undefined && pins.digests.has(config))) return true;
    return tags.some((tag) => pins.tags.has(`${this.#graph.name}:${tag}`));
  }

  /** Returns whether the manifest may have been uploaded too recently to be judged. */
  isInGrace({ uploaded }: GcManifest): boolean {
    const { grace = DEFAULT_GRACE } = this.#rules;
    return grace > 0 && (uploaded === undefined || this.#now - uploaded < grace);
  }

  /** Returns the tags that go by the rules, each with the number of the rule, counted from 1. */
  removedTags(): Map<string, number> {
    const { keep = [], remove = [] } = this.#rules;
    const removed = new Map<string, number>();
    if (remove.length === 0) return removed;
    const all: [string, GcManifest][] = [];
    for (const manifest of this.#graph.manifests.values()) {
      for (const tag of manifest.tags) if (!isAttachedTag(tag)) all.push([tag, manifest]);
    }
    const kept = new Set(keep.flatMap((rule) => this.#kept(tagSet(rule, this.#graph, all, "keep"), rule)));
    for (const [at, rule] of remove.entries()) {
      const set = tagSet(rule, this.#graph, all, "remove");
      const newest = rule.keepNewest ? set.newest(rule.keepNewest) : undefined;
      for (const [tag, manifest] of set.entries) {
        if (kept.has(tag) || newest?.has(tag) || removed.has(tag)) continue;
        if (this.isPinned(manifest) || this.isInGrace(manifest) || !this.#isOldEnough(rule, manifest)) continue;
        if (rule.targets && rule.targets.get(tag) !== manifest.digest) continue;
        removed.set(tag, at + 1);
      }
    }
    return removed;
  }

  #kept(set: TagSet, { newest }: KeepRule): string[] {
    return newest === undefined ? set.entries.map(([tag]) => tag) : [...set.newest(newest)];
  }

  #isOldEnough({ olderThan }: RemoveRule, { uploaded }: GcManifest): boolean {
    return olderThan === undefined || (uploaded !== undefined && this.#now - uploaded >= olderThan);
  }
}
