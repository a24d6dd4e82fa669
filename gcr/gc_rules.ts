import type { Hash } from "../src/spec/mod.ts";
import type { GcGraph, GcManifest } from "./gc_graph.ts";
import { isAttachedTag } from "./gc_graph.ts";
import { checkTagSetRule, type TagSet, tagSet, type TagSetRule } from "./gc_tag_set.ts";

/** A rule on tags to keep. All its conditions must hold. */
export interface KeepRule extends TagSetRule {
  /**
   * The number of the newest tags to keep in each group.
   *
   * @default all
   */
  readonly newest?: number;
}

/** A rule on tags to delete. All its conditions must hold, and no rule may keep the tag. */
export interface RemoveRule extends TagSetRule {
  /**
   * The name of the rule in the reasons for deletions.
   *
   * @default "rule" with its number in the list, counted from 1
   */
  readonly name?: string;
  /**
   * The number of the newest tags to keep in each group.
   *
   * @default 0
   */
  readonly keepNewest?: number;
  /**
   * The least age since the upload, in milliseconds. A tag of unknown age is kept.
   *
   * @default any age
   */
  readonly olderThan?: number;
  /**
   * The digests of tags: a tag is deleted only as long as it points at its digest here.
   *
   * @default any digest
   */
  readonly targets?: ReadonlyMap<string, Hash>;
}

/** Content in use, which is kept with everything that belongs to it, regardless of other rules. */
export interface GcPins {
  /** Digests of manifests, or of image configs, in every repository. */
  readonly digests: ReadonlySet<Hash>;
  /** Full names of tags, `registry.example.com/app:v1`. */
  readonly tags: ReadonlySet<string>;
}

/** The rules of a garbage collection. */
export interface GcRules {
  /**
   * Tags to keep. They take precedence.
   *
   * @default none
   */
  readonly keep?: readonly KeepRule[];
  /**
   * Tags to delete.
   *
   * @default none
   */
  readonly remove?: readonly RemoveRule[];
  /**
   * Content in use.
   *
   * @default none
   */
  readonly pins?: GcPins;
  /**
   * The grace period after an upload in which everything is kept, in milliseconds; content of unknown age counts as
   * within it. With 0 age protects nothing.
   *
   * @default 86400000
   */
  readonly grace?: number;
  /**
   * Whether to delete tags like `sha256-….sig` if the repository lacks the manifest that they belong to.
   *
   * @default false
   */
  readonly orphans?: boolean;
}

/** The default grace period after an upload, in milliseconds. */
export const DEFAULT_GRACE: number = 24 * 60 * 60 * 1000;

/** Validates rules. @throws {UsageError} if one is invalid. */
export function checkRules({ keep = [], remove = [] }: GcRules): void {
  for (const rule of [...keep, ...remove]) checkTagSetRule(rule);
}

/** The manifests of a repository with rules applied. */
export class RuledGraph {
  readonly #graph: GcGraph;
  readonly #rules: GcRules;
  readonly #now: number;

  /** Applies rules to a graph. `now` is in milliseconds since the epoch. */
  constructor(graph: GcGraph, rules: GcRules, now: number) {
    this.#graph = graph;
    this.#rules = rules;
    this.#now = now;
  }

  /** Returns whether the manifest is in use. */
  isPinned({ digest, config, tags }: GcManifest): boolean {
    const { pins } = this.#rules;
    if (!pins) return false;
    if (pins.digests.has(digest) || (config !== undefined && pins.digests.has(config))) return true;
    return tags.some((tag) => pins.tags.has(`${this.#graph.name}:${tag}`));
  }

  /** Returns whether the manifest is, or may be, within the grace period. */
  isInGrace({ uploaded }: GcManifest): boolean {
    const { grace = DEFAULT_GRACE } = this.#rules;
    return grace > 0 && (uploaded === undefined || this.#now - uploaded < grace);
  }

  /** Returns the tags that rules delete, each with the name of the rule. */
  removedTags(): Map<string, string> {
    const { keep = [], remove = [] } = this.#rules;
    const removed = new Map<string, string>();
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
        removed.set(tag, rule.name ?? `rule ${at + 1}`);
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
