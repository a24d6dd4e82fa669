import { UsageError } from "../src/errors.ts";
import type { Flags, FlagValues } from "./flag.ts";
import { flagName } from "./flag_words.ts";
import { parseBytes } from "./units.ts";

/** The flags of `gcrane copy` between registries, with and without `--recursive`. */
export const transferFlags = {
  withReferrers: {
    type: "boolean",
    help: "Copy signatures, attestations and SBOMs too, though no tag leads to them",
  },
  rate: { type: "number", valueName: "N", minimum: 1, help: "Send at most N requests per second" },
  bandwidth: { type: "string", valueName: "SIZE", help: "Send at most so many bytes per second, as 20MB" },
  journal: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Note what is done, and go on from there when started again",
  },
} as const satisfies Flags;

/** The flags of `gcrane copy` that require `--recursive`. */
export const recursiveFlags = {
  tagFilter: { type: "strings", valueName: "PATTERN", help: "Copy only tags like v1.* or /^v\\d+$/" },
  exclude: {
    type: "strings",
    valueName: "PATTERN",
    help: "Leave out a repository like team/tmp-* and those below it",
  },
  untagged: {
    type: "boolean",
    default: true,
    help: "Copy manifests without a tag too, where the registry lists them and no filter is given",
  },
  deleteExtra: {
    type: "boolean",
    help: "List what the destination has and the source has not, and with --yes delete it",
  },
  allowEmpty: { type: "boolean", help: "Delete even where the source has nothing, or is not there" },
  plan: { type: "string", valueName: "FILE", completes: "file", help: "Write what is extra to a file" },
  apply: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Delete what --plan wrote, as far as it is extra still",
  },
  yes: { type: "boolean", short: "y", help: "Delete what --delete-extra finds" },
  dryRun: { type: "boolean", help: "List what would be done, and do nothing" },
  shard: {
    type: "string",
    valueName: "I/N",
    help: "Copy one of N parts of the repositories, counted from 0, or auto",
  },
} as const satisfies Flags;

/** The values of the flags of `gcrane copy --recursive`. */
export type RecursiveFlags = FlagValues<typeof recursiveFlags & typeof transferFlags>;

/** Rejects transfer flags for a copy that does not run between registries. @throws {UsageError} for one that is set. */
export function refuseTransferFlags(flags: FlagValues<typeof transferFlags>): void {
  const given = (Object.keys(transferFlags) as (keyof typeof transferFlags)[])
    .find((key) => flags[key] !== undefined && flags[key] !== false);
  if (given === undefined) return;
  throw new UsageError(`--${flagName(given)} is for copies from registry to registry`, { hint: "leave it out" });
}

/** Parses `--bandwidth` and returns bytes per second. @throws {UsageError} if it is not a number of bytes. */
export function bandwidthOf(text: string | undefined): number | undefined {
  const bytes = text === undefined ? undefined : parseBytes(text);
  if (text === undefined || (bytes !== undefined && bytes > 0)) return bytes;
  throw new UsageError(`--bandwidth ${text} is no number of bytes`, { hint: "for example 20MB" });
}

/** Rejects recursive flags without `--recursive`. @throws {UsageError} for one that is set. */
export function refuseRecursiveFlags(flags: FlagValues<typeof recursiveFlags>): void {
  const given = (Object.keys(recursiveFlags) as (keyof typeof recursiveFlags)[]).find((key) => {
    const value = flags[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== (key === "untagged");
  });
  if (given === undefined) return;
  const name = given === "untagged" ? "no-untagged" : flagName(given);
  throw new UsageError(`--${name} means nothing without --recursive`, {
    hint: "with -r, SRC and DST are repositories or registries",
  });
}
