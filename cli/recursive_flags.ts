import { UsageError } from "../src/errors.ts";
import type { Flags, FlagValues } from "./flag.ts";
import { sizeFlag } from "./flag_values.ts";
import { flagName, flagText } from "./flag_words.ts";

/** The flags of `gcrane copy` between registries, with and without `--recursive`. */
export const transferFlags = {
  withReferrers: {
    type: "boolean",
    help: "Also copy signatures, attestations and SBOMs without a tag",
  },
  rate: { type: "number", valueName: "N", minimum: 1, help: "Send at most N requests per second" },
  bandwidth: { type: "string", valueName: "SIZE", help: "Send at most SIZE bytes per second, for example 20MB" },
  journal: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Record the completed work in a file, and continue from it",
  },
} as const satisfies Flags;

/** The flags of `gcrane copy` for several tags, with `--all-tags` or `--recursive`. */
export const tagChoiceFlags = {
  tagFilter: {
    type: "strings",
    valueName: "PATTERN",
    help: "Copy only tags that match, for example v1.* or /^v\\d+$/",
  },
  semver: {
    type: "string",
    valueName: "RANGE",
    help: "Copy only tags that are versions in a range, for example '>=1.2 <2'",
  },
  require: { type: "boolean", help: "Exit with 1 if no tag is chosen" },
  dryRun: { type: "boolean", help: "List the changes without making them" },
} as const satisfies Flags;

/** The flags of `gcrane copy` that require `--recursive`. */
export const recursiveFlags = {
  exclude: {
    type: "strings",
    valueName: "PATTERN",
    help: "Leave out repositories that match, for example team/tmp-*, and those below",
  },
  untagged: {
    type: "boolean",
    default: true,
    help: "Also copy manifests without a tag, if the registry lists them and no filter is given",
  },
  deleteExtra: {
    type: "boolean",
    help: "List content of the destination that the source does not have, and with --yes delete it",
  },
  allowEmpty: { type: "boolean", help: "Delete even if the source is empty or does not exist" },
  plan: { type: "string", valueName: "FILE", completes: "file", help: "Write the extra content to a file" },
  apply: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Delete the content in a file of --plan that is still extra",
  },
  yes: { type: "boolean", short: "y", help: "Delete the content that --delete-extra lists" },
  shard: {
    type: "string",
    valueName: "I/N",
    help: "Copy one of N parts of the repositories, counted from 0, or auto",
  },
} as const satisfies Flags;

/** The values of the flags of `gcrane copy --recursive`. */
export type RecursiveFlags = FlagValues<typeof recursiveFlags & typeof tagChoiceFlags & typeof transferFlags>;

/** Rejects transfer flags for a copy that does not run between registries. @throws {UsageError} for one that is set. */
export function refuseTransferFlags(flags: FlagValues<typeof transferFlags>): void {
  const given = (Object.keys(transferFlags) as (keyof typeof transferFlags)[]).find((key) => isGiven(flags[key]));
  if (given === undefined) return;
  throw new UsageError(`--${flagName(given)} is for copies from registry to registry`, { hint: "leave it out" });
}

/** Parses `--bandwidth` and returns bytes per second. @throws {UsageError} if it is not a number of bytes. */
export function bandwidthOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : sizeFlag("bandwidth", text);
}

/** Rejects flags for several tags, for a copy of one image. @throws {UsageError} for one that is set. */
export function refuseTagChoice(flags: FlagValues<typeof tagChoiceFlags>): void {
  const given = (Object.keys(tagChoiceFlags) as (keyof typeof tagChoiceFlags)[]).find((key) => isGiven(flags[key]));
  if (given === undefined) return;
  throw new UsageError(`--${flagName(given)} requires --all-tags or --recursive`, {
    hint: "with -a, SRC and DST are repositories",
  });
}

/** Returns the line for a filter or a range that no tag passes; `undefined` if neither is given. */
export function noTagText(
  source: string,
  { tagFilter, semver }: FlagValues<typeof tagChoiceFlags>,
): string | undefined {
  const conditions = [
    ...tagFilter.map((pattern) => flagText("tagFilter", pattern)),
    ...semver ? [flagText("semver", semver)] : [],
  ];
  return conditions.length === 0 ? undefined : `no tag of ${source} matches ${conditions.join(" or ")}`;
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

/** Rejects recursive flags without `--recursive`. @throws {UsageError} for one that is set. */
export function refuseRecursiveFlags(flags: FlagValues<typeof recursiveFlags>): void {
  const given = (Object.keys(recursiveFlags) as (keyof typeof recursiveFlags)[])
    .find((key) => key === "untagged" ? !flags.untagged : isGiven(flags[key]));
  if (given === undefined) return;
  const name = given === "untagged" ? "no-untagged" : flagName(given);
  throw new UsageError(`--${name} requires --recursive`, {
    hint: "with -r, SRC and DST are repositories or registries",
  });
}
