import { compare, type SemVer } from "@std/semver";
import { UsageError } from "../src/errors.ts";
import type { GcGraph, GcManifest } from "./gc_graph.ts";
import { namePattern, repositoryPattern, tagVersion, versionRange } from "../src/name/internal.ts";

/** The conditions of a rule on tags. All must hold; a rule without conditions applies to all tags. */
export interface TagSetRule {
  /**
   * A glob, or a regular expression in slashes, of repositories by their path in the registry. A glob includes the
   * repositories below.
   *
   * @default every repository
   */
  readonly repository?: string;
  /**
   * A glob, or a regular expression in slashes, of tags. The captures of an expression form groups.
   *
   * @default every tag
   */
  readonly tag?: string;
  /**
   * A range of versions, for example `>=1.2 <2`: applies to tags that are complete versions in it, with or without `v`.
   * The newest are then the highest versions, and otherwise the last uploads.
   *
   * @default every tag, versions or not
   */
  readonly semver?: string;
  /**
   * Groups versions by major or by minor version; requires `semver`.
   *
   * @default one group
   */
  readonly per?: "major" | "minor";
}

/** The tags of a repository that a rule applies to. */
export interface TagSet {
  /** The tags with their manifests. */
  readonly entries: readonly (readonly [tag: string, manifest: GcManifest])[];
  /** Returns the newest of each group. Tags of unknown age are returned in addition. */
  newest(count: number): Set<string>;
}

/** A tag that a rule applies to. */
interface Entry {
  readonly tag: string;
  readonly manifest: GcManifest;
  readonly version: SemVer | undefined;
  readonly group: string;
}

/**
 * Finds the tags that a rule applies to. For a prerelease, which may or may not be in a range, a rule that keeps
 * includes it and a rule that deletes does not.
 */
export function tagSet(
  rule: TagSetRule,
  graph: GcGraph,
  tags: readonly (readonly [tag: string, manifest: GcManifest])[],
  purpose: "keep" | "remove",
): TagSet {
  if (rule.repository !== undefined && !repositoryPattern(rule.repository)(graph.repository)) {
    return { entries: [], newest: () => new Set() };
  }
  const read = entryReader(rule, purpose);
  const entries = tags.map(([tag, manifest]) => read(tag, manifest)).filter((entry) => entry !== undefined);
  return {
    entries: entries.map(({ tag, manifest }) => [tag, manifest] as const),
    newest: (count) => new Set([...Map.groupBy(entries, ({ group }) => group).values()].flatMap(newestOf(count))),
  };
}

/** Validates the conditions of a rule. @throws {UsageError} if one is invalid. */
export function checkTagSetRule(rule: TagSetRule): void {
  if (rule.repository !== undefined) repositoryPattern(rule.repository);
  if (rule.per !== undefined && rule.semver === undefined) {
    throw new UsageError("groups of versions require a range of versions", { hint: 'semver "*" stands for all' });
  }
  entryReader(rule, "keep");
}

function entryReader(
  rule: TagSetRule,
  purpose: "keep" | "remove",
): (tag: string, manifest: GcManifest) => Entry | undefined {
  const capture = rule.tag === undefined ? () => "" : capturer(rule.tag);
  const inRange = rule.semver === undefined ? () => true : rangeOf(rule.semver, purpose);
  return (tag, manifest) => {
    const captured = capture(tag);
    const version = rule.semver === undefined ? undefined : tagVersion(tag);
    if (captured === undefined || (rule.semver !== undefined && !(version && inRange(version)))) return undefined;
    const parts = version && rule.per ? [version.major, ...rule.per === "minor" ? [version.minor] : []] : [];
    return { tag, manifest, version, group: JSON.stringify([captured, ...parts]) };
  };
}

/** Returns a function that returns a pattern's captures from a tag, or `undefined` if it does not match. */
function capturer(pattern: string): (tag: string) => string | undefined {
  const matches = namePattern(pattern);
  const expression = /^\/.+\/$/.test(pattern) ? new RegExp(pattern.slice(1, -1)) : undefined;
  if (!expression) return (tag) => matches(tag) ? "" : undefined;
  return (tag) => {
    const match = expression.exec(tag);
    return match ? JSON.stringify(match.slice(1)) : undefined;
  };
}

function rangeOf(text: string, purpose: "keep" | "remove"): (version: SemVer) => boolean {
  const isIn = versionRange(text);
  return (version) =>
    isIn(version) ||
    (purpose === "keep" && (version.prerelease?.length ?? 0) > 0 && isIn({ ...version, prerelease: [] }));
}

function newestOf(count: number): (group: Entry[]) => string[] {
  return (group) => {
    const ranked = group.filter((entry) => entry.version !== undefined || entry.manifest.uploaded !== undefined)
      .toSorted(newerFirst);
    // Tags as new as the last one that is kept are kept too, for example the same image under two tags.
    let distinct = 0;
    let last: Entry | undefined;
    const newest = new Set<string>();
    for (const entry of ranked) {
      const isSame = last !== undefined &&
        (newerFirst(last, entry) === 0 || last.manifest.digest === entry.manifest.digest);
      if (!isSame && ++distinct > count) break;
      newest.add(entry.tag);
      last = entry;
    }
    return group.filter((entry) => newest.has(entry.tag) || !ranked.includes(entry)).map(({ tag }) => tag);
  };
}

function newerFirst(a: Entry, b: Entry): number {
  if (a.version && b.version) return compare(b.version, a.version);
  return b.manifest.uploaded! - a.manifest.uploaded!;
}
