import { compare, parseRange, satisfies, type SemVer, tryParse } from "@std/semver";
import { UsageError } from "../errors.ts";
import { anyOf, type NameMatcher, namePattern } from "./name_pattern.ts";

/** Returns the version of a tag. A partial version like `v1` moves between versions and does not count. */
export function tagVersion(tag: string): SemVer | undefined {
  return tryParse(tag);
}

/**
 * Parses a range of versions, for example `>=1.2 <2`. A prerelease is in a range that names one of the same version.
 *
 * @throws {UsageError} if it is not a range.
 */
export function versionRange(text: string): (version: SemVer) => boolean {
  const notRange = (cause?: unknown) =>
    new UsageError(`${JSON.stringify(text)} is not a range of versions`, { cause, hint: "for example >=1.2 <2" });
  // The parser takes operators without a number for every version.
  if (!/[\d*xX]/.test(text) || /[<>=~^]\s*[xX*]/.test(text)) throw notRange();
  try {
    const range = parseRange(text);
    return (version) => satisfies(version, range);
  } catch (cause) {
    throw notRange(cause);
  }
}

/** Compares two tags by their versions, the highest first; tags that are no versions come last, by name. */
export function byVersion(a: string, b: string): number {
  const [left, right] = [tagVersion(a), tagVersion(b)];
  if (left && right) return compare(right, left) || byName(a, b);
  return left ? -1 : right ? 1 : byName(a, b);
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The conditions of {@linkcode tagMatcher}, all of which must hold. */
export interface TagConditions {
  /**
   * Globs, or regular expressions in slashes, one of which must match.
   *
   * @default every tag
   */
  readonly patterns?: readonly string[];
  /**
   * A range of versions that the tag must be in.
   *
   * @default every tag, a version or not
   */
  readonly semver?: string;
}

/** Returns a matcher of tags; `undefined` without conditions. @throws {UsageError} for an invalid condition. */
export function tagMatcher({ patterns = [], semver }: TagConditions): NameMatcher | undefined {
  if (patterns.length === 0 && semver === undefined) return undefined;
  const named = patterns.length === 0 ? () => true : anyOf(patterns.map(namePattern));
  const isIn = semver === undefined ? undefined : versionRange(semver);
  return (tag) => {
    if (!named(tag)) return false;
    const version = isIn && tagVersion(tag);
    return isIn === undefined || (version !== undefined && isIn(version));
  };
}
