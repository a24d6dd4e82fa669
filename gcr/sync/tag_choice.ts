import { compare, parseRange, satisfies, type SemVer, tryParse } from "@std/semver";
import { UsageError } from "../../src/errors.ts";

/** A choice of names: all that an expression of `allow` and a range match, except those of `deny`. */
export interface SyncChoice {
  /**
   * Regular expressions, one of which must match the whole name.
   * @default every name
   */
  readonly allow?: readonly string[];
  /**
   * Regular expressions, none of which may match the whole name.
   * @default none
   */
  readonly deny?: readonly string[];
  /**
   * Ranges of versions, one of which must include the tag, as regsync has them: by order, with prereleases.
   * @default every tag, versions or not
   */
  readonly semverRange?: readonly string[];
  /**
   * A regular expression that must match a part of the name, as skopeo has it.
   * @default every name
   */
  readonly matches?: string;
  /**
   * A range of versions as skopeo has it: a prerelease is included only if the range names one of the same version.
   * @default every tag, versions or not
   */
  readonly semver?: string;
}

/** Returns a matcher of the names of any of the choices, and of all names without choices. @throws {UsageError} */
export function chooser(choices: readonly SyncChoice[]): (name: string) => boolean {
  const matchers = choices.map(one);
  return matchers.length === 0 ? () => true : (name) => matchers.some((matches) => matches(name));
}

function one({ allow = [], deny = [], semverRange = [], matches, semver }: SyncChoice): (name: string) => boolean {
  const [allowed, denied] = [allow, deny].map((patterns) => patterns.map((text) => expression(`^${text}$`, text)));
  const ranges = semverRange.filter((text) => text.trim() !== "").map(orderedRange);
  const part = matches === undefined ? undefined : expression(matches, matches);
  const range = semver === undefined ? undefined : strictRange(semver);
  return (name) =>
    (allowed.length === 0 || allowed.some((pattern) => pattern.test(name))) &&
    !denied.some((pattern) => pattern.test(name)) &&
    (ranges.length === 0 || ranges.some((includes) => includes(name))) &&
    (part?.test(name) ?? true) && (range?.(name) ?? true);
}

function expression(source: string, text: string): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new UsageError(`${JSON.stringify(text)} is not a regular expression`, { cause });
  }
}

/** Returns the version of a tag: `v` in front is left out, missing parts are 0. */
function versionOf(tag: string) {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+].+)?$/.exec(tag);
  return match ? tryParse(`${match[1]}.${match[2] ?? 0}.${match[3] ?? 0}${match[4] ?? ""}`) : undefined;
}

/** One condition of a range. */
type Comparator = SemVer & { readonly operator?: string };

function orderedRange(text: string): (tag: string) => boolean {
  // A version with fewer parts is one with zeros, not a range of its own.
  const full = text.replace(/(?<![\w.-])v?(\d+)(\.\d+)?(?![\w.])/g, (_, major, minor = ".0") => `${major}${minor}.0`);
  const range = rangeOf(full, text) as readonly (readonly Comparator[])[];
  return (tag) => {
    const version = versionOf(tag);
    return version !== undefined && range.some((all) =>
      all.every(({ operator, ...limit }) => {
        const order = compare(version, limit);
        switch (operator) {
          case ">":
            return order > 0;
          case ">=":
            return order >= 0;
          case "<":
            return order < 0;
          case "<=":
            return order <= 0;
          default:
            // An unlimited range has a version without numbers.
            return Number.isNaN(limit.major) || order === 0;
        }
      })
    );
  };
}

function strictRange(text: string): (tag: string) => boolean {
  const range = rangeOf(text.replaceAll(",", " ").replace(/([<>=~^]+)\s+/g, "$1"), text);
  return (tag) => {
    const version = versionOf(tag);
    return version !== undefined && satisfies(version, range);
  };
}

function rangeOf(range: string, text: string) {
  try {
    return parseRange(range.trim());
  } catch (cause) {
    throw new UsageError(`${JSON.stringify(text)} is not a range of versions`, { cause, hint: "for example >=1.2 <2" });
  }
}
