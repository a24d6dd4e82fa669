import { UsageError } from "../src/errors.ts";
import type { Flags, FlagValues } from "./flag.ts";
import { flagName } from "./flag_words.ts";

/** The flags of `gcrane copy` that mean something with `--recursive` alone. */
export const recursiveFlags = {
  tagFilter: { type: "strings", valueName: "PATTERN", help: "Copy only tags like v1.* or /^v\\d+$/" },
  exclude: {
    type: "strings",
    valueName: "PATTERN",
    help: "Leave out a repository like team/tmp-* and those below it",
  },
  withReferrers: {
    type: "boolean",
    help: "Copy signatures, attestations and SBOMs too, though no tag leads to them",
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
  rate: { type: "number", valueName: "N", minimum: 1, help: "Send at most N requests per second" },
  bandwidth: { type: "string", valueName: "SIZE", help: "Send at most so many bytes per second, as 20MB" },
  journal: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Note what is done, and go on from there when started again",
  },
  shard: {
    type: "string",
    valueName: "I/N",
    help: "Copy one of N parts of the repositories, counted from 0, or auto",
  },
} as const satisfies Flags;

/** What is given of them. */
export type RecursiveFlags = FlagValues<typeof recursiveFlags>;

/** Refuses those that are given without `--recursive`. @throws {UsageError} */
export function refuseRecursiveFlags(flags: RecursiveFlags): void {
  const given = (Object.keys(recursiveFlags) as (keyof RecursiveFlags)[]).find((key) => {
    const value = flags[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== (key === "untagged");
  });
  if (given === undefined) return;
  throw new UsageError(
    `--${given === "untagged" ? "no-untagged" : flagName(given)} means nothing without --recursive`,
    {
      hint: "with -r, SRC and DST are repositories or registries",
    },
  );
}
