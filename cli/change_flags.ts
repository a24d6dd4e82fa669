import { UsageError } from "../src/errors.ts";
import type { ImageChanges } from "../src/mutate/mod.ts";
import { isRfc3339 } from "../src/spec/internal.ts";
import { type Descriptor, MediaType, type Platform } from "../src/spec/mod.ts";
import type { FlagValues } from "./flag.ts";
import { platformFlag } from "./flag_values.ts";

const MEDIA_TYPES = { oci: MediaType.OciManifest, docker: MediaType.DockerManifestSchema2 } as const;

/** The flags for an image's config and annotations. */
export const changeFlags = {
  annotation: { type: "strings", short: "a", valueName: "NAME=VALUE", help: "An annotation of the manifest to set" },
  label: { type: "strings", short: "l", valueName: "NAME=VALUE", help: "A label to set" },
  env: { type: "strings", short: "e", valueName: "NAME=VALUE", help: "An environment variable to set" },
  entrypoint: {
    type: "strings",
    valueName: "WORD",
    commas: true,
    help: "The entrypoint, its words separated by commas; without --cmd, the old arguments are removed",
  },
  cmd: {
    type: "strings",
    valueName: "WORD",
    commas: true,
    help: "The arguments of the command, separated by commas",
  },
  user: { type: "string", short: "u", valueName: "USER", help: "The user to run as, user[:group]" },
  workdir: { type: "string", short: "w", valueName: "DIR", help: "The working directory" },
  exposedPorts: {
    type: "strings",
    valueName: "PORT",
    commas: true,
    help: "All exposed ports, like 80/tcp, separated by commas",
  },
  volumes: {
    type: "strings",
    valueName: "DIR",
    commas: true,
    help: "All volumes, separated by commas",
  },
  stopSignal: { type: "string", valueName: "SIGNAL", help: "The stop signal, like SIGTERM" },
  author: { type: "string", valueName: "TEXT", help: "The author" },
  created: { type: "string", valueName: "TIME", help: "The creation time, like 2024-01-31T12:00:00Z" },
  subject: { type: "string", valueName: "IMAGE", help: "The subject, in the same repository" },
  mediaType: {
    type: "string",
    valueName: "FAMILY",
    choices: ["oci", "docker"],
    help: "The family of media types",
  },
  setPlatform: { type: "string", valueName: "PLATFORM", help: "The platform: os/arch[/variant][:osversion]" },
  unsetAnnotation: { type: "strings", valueName: "NAME", help: "An annotation to remove" },
  unsetLabel: { type: "strings", valueName: "NAME", help: "A label to remove" },
  unsetEnv: { type: "strings", valueName: "NAME", help: "An environment variable to remove" },
  unsetEntrypoint: { type: "boolean", help: "Remove the entrypoint" },
  unsetCmd: { type: "boolean", help: "Remove the arguments of the command" },
  unsetUser: { type: "boolean", help: "Remove the user" },
  unsetWorkdir: { type: "boolean", help: "Remove the working directory" },
  unsetExposedPorts: { type: "boolean", help: "Remove all exposed ports" },
  unsetVolumes: { type: "boolean", help: "Remove all volumes" },
  unsetStopSignal: { type: "boolean", help: "Remove the stop signal" },
  unsetAuthor: { type: "boolean", help: "Remove the author" },
  unsetCreated: { type: "boolean", help: "Remove the creation time" },
  unsetSubject: { type: "boolean", help: "Remove the subject" },
  unsetPlatform: { type: "boolean", help: "Remove the platform" },
} as const;

/** Returns the descriptor of a subject. */
export type FindSubject = (reference: string) => Promise<Descriptor>;

/** What {@linkcode changesOf} needs besides the flags. */
export interface ChangesOptions {
  readonly findSubject: FindSubject;
  /** Reports a flag without an effect. */
  readonly warn: (message: string) => void;
}

/** Returns the changes of the flags; `null` removes a value. @throws {UsageError} if flags contradict one another. */
export async function changesOf(
  flags: FlagValues<typeof changeFlags>,
  { findSubject, warn }: ChangesOptions,
): Promise<ImageChanges> {
  // As with crane, an empty value, such as that of an unset variable of a shell, changes nothing.
  const filled = <T extends string | readonly string[]>(flag: string, value: T | undefined): T | undefined => {
    if (value === undefined || String(value) !== "") return value;
    warn(`--${flag} is empty and changes nothing; --unset-${flag} takes the old value away`);
    return undefined;
  };
  const subject = oneOf("subject", flags.subject, flags.unsetSubject);
  const changes: ImageChanges = {
    annotations: pairChanges({
      flag: "annotation",
      set: flags.annotation,
      unset: flags.unsetAnnotation,
      commas: true,
    }),
    labels: pairChanges({ flag: "label", set: flags.label, unset: flags.unsetLabel, commas: true }),
    env: pairChanges({ flag: "env", set: flags.env, unset: flags.unsetEnv }),
    entrypoint: oneOf("entrypoint", filled("entrypoint", list(flags.entrypoint)), flags.unsetEntrypoint),
    cmd: oneOf("cmd", filled("cmd", list(flags.cmd)), flags.unsetCmd),
    user: oneOf("user", filled("user", flags.user), flags.unsetUser),
    workdir: oneOf("workdir", filled("workdir", flags.workdir), flags.unsetWorkdir),
    exposedPorts: oneOf("exposed-ports", filled("exposed-ports", list(flags.exposedPorts)), flags.unsetExposedPorts),
    volumes: oneOf("volumes", list(flags.volumes), flags.unsetVolumes),
    stopSignal: oneOf("stop-signal", flags.stopSignal, flags.unsetStopSignal),
    author: oneOf("author", flags.author, flags.unsetAuthor),
    created: oneOf("created", flags.created && timeOf(flags.created), flags.unsetCreated),
    platform: newPlatform(flags.setPlatform, flags.unsetPlatform),
    mediaType: flags.mediaType && MEDIA_TYPES[flags.mediaType],
  };
  if (subject === undefined) return changes;
  return { ...changes, subject: subject === null ? null : await findSubject(subject) };
}

function list(words: readonly string[]): readonly string[] | undefined {
  return words.length === 0 ? undefined : words;
}

/** Returns a value to set, `null` to remove it, or `undefined` to keep it. */
function oneOf<T extends string | readonly string[]>(flag: string, value: T | undefined, unset: boolean) {
  if (value === undefined) return unset ? null : undefined;
  if (unset) throw new UsageError(`--${flag} and --unset-${flag} exclude each other`, { hint: "leave out one" });
  if (String(value) !== "") return value;
  throw new UsageError(`--${flag} is empty`, { hint: `--unset-${flag} takes it away` });
}

function timeOf(text: string): string {
  const time = text.toUpperCase();
  if (isRfc3339(time)) return time;
  throw new UsageError(`--created takes a time, not ${JSON.stringify(text)}`, { hint: "write 2024-01-31T12:00:00Z" });
}

function newPlatform(text: string | undefined, unset: boolean): Platform | null | undefined {
  if (text === undefined) return unset ? null : undefined;
  if (unset) {
    throw new UsageError("--set-platform and --unset-platform exclude each other", { hint: "leave out one" });
  }
  const platform = platformFlag(text, "set-platform");
  if (platform.architecture) return platform;
  throw new UsageError(`--set-platform ${text}: an image is for an os and an architecture`, {
    hint: "for example linux/arm64",
  });
}

/** Flags like `--label NAME=VALUE`, and those that remove a name. */
interface PairFlags {
  /** The values of the flag that sets. */
  readonly set: readonly string[];
  /** The values of the flag that removes. */
  readonly unset: readonly string[];
  /** The flag's name, without dashes. */
  readonly flag: string;
  /** Whether one value may contain several pairs, separated by commas. */
  readonly commas?: boolean;
}

/**
 * Returns the changes by name, `null` for a removal; `undefined` if there are none. @throws {UsageError} for a value
 * without a name, and for a name that is both set and removed.
 */
function pairChanges(
  { set, unset, flag, commas = false }: PairFlags,
): Record<string, string | null> | undefined {
  if (set.length + unset.length === 0) return undefined;
  const removed = unset.map((name): [string, null] => {
    if (name !== "" && !name.includes("=")) return [name, null];
    throw new UsageError(`--unset-${flag} takes a name, not ${JSON.stringify(name)}`);
  });
  const added = set.flatMap((text) => commas ? severalPairs(text) : [text]).map((text) => pair(text, flag));
  const both = added.find(([name]) => unset.includes(name));
  if (both) throw new UsageError(`${both[0]} is both in --${flag} and in --unset-${flag}`, { hint: "leave out one" });
  return Object.fromEntries([...removed, ...added]);
}

function pair(text: string, flag: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--${flag} takes NAME=VALUE, not ${JSON.stringify(text)}`, {
    hint: `--unset-${flag} removes one`,
  });
}

/** Splits `a=b,c=d` into two pairs as crane does; a value may also contain commas, as in `a=b,c`. */
function severalPairs(text: string): string[] {
  const parts = text.split(",");
  return parts.every((part) => part.indexOf("=") > 0) ? parts : [text];
}
