import { UsageError } from "../src/errors.ts";
import type { BuildSettings } from "../src/build/mod.ts";
import { joinPath } from "../src/runtime/mod.ts";
import type { Context } from "./command.ts";
import type { FlagValues } from "./flag.ts";
import { sourceDate } from "./layer_flags.ts";

/** The flags of commands that build images. */
export const buildFlags = {
  base: { type: "string", short: "b", valueName: "IMAGE", help: "The image to build on" },
  layers: { type: "number", valueName: "N", minimum: 1, help: "The most layers for dependencies, 10 by default" },
  libc: {
    type: "string",
    valueName: "NAME",
    choices: ["glibc", "musl"],
    help: "The C library of the base; musl by default for a base with alpine in its name",
  },
  ignoreScript: { type: "strings", valueName: "PACKAGE", help: "A package that works without its install script" },
  sbom: {
    type: "strings",
    valueName: "FORMAT",
    commas: true,
    offers: ["spdx", "cyclonedx", "none"],
    help: "The formats of the lists of packages to attach: spdx, cyclonedx (both by default), none",
  },
  cache: {
    type: "string",
    valueName: "DIR",
    completes: "directory",
    env: "GCRANE_BUILD_CACHE",
    help: "Where layers and packages are kept between builds, by default gcrane in the user's cache folder",
  },
  noCache: { type: "boolean", help: "Keep nothing between builds" },
} as const;

/** The flags of one image. */
export const imageFlags = {
  runtime: {
    type: "string",
    valueName: "NAME",
    choices: ["node", "bun", "deno", "none"],
    help: "What runs the entry; none for a program that runs by itself",
  },
  entry: { type: "string", valueName: "FILE", help: "The file to run" },
  arg: { type: "strings", valueName: "WORD", help: "An argument of the app" },
  env: { type: "strings", short: "e", valueName: "NAME=VALUE", help: "An environment variable" },
  label: { type: "strings", short: "l", valueName: "NAME=VALUE", help: "A label" },
  user: { type: "string", short: "u", valueName: "USER", help: "The user to run as, 65532 by default" },
  port: { type: "strings", valueName: "PORT", commas: true, help: "A port that the app listens on, like 8080" },
  include: { type: "strings", valueName: "GLOB", help: "Files of the app that go in, instead of all" },
  exclude: { type: "strings", valueName: "GLOB", help: "Files of the app that stay out" },
} as const;

/** Returns the settings that flags give; absent ones are those of the project. */
export function buildSettings(
  flags: FlagValues<typeof buildFlags> & Partial<FlagValues<typeof imageFlags>> & { platform: readonly string[] },
): Omit<BuildSettings, "base"> {
  const list = (values: readonly string[] | undefined) => values?.length ? values : undefined;
  const { runtime, entry, user, libc, layers } = flags;
  return {
    runtime,
    entry,
    user,
    libc,
    layers,
    args: list(flags.arg),
    env: pairs("env", flags.env),
    labels: pairs("label", flags.label),
    ports: list(flags.port),
    include: list(flags.include),
    exclude: list(flags.exclude),
    ignoreScripts: list(flags.ignoreScript),
    platforms: flags.platform.includes("all") ? undefined : list(flags.platform),
  };
}

function pairs(flag: string, values: readonly string[] = []): Record<string, string> | undefined {
  if (values.length === 0) return undefined;
  return Object.fromEntries(values.map((value) => {
    const at = value.indexOf("=");
    if (at > 0) return [value.slice(0, at), value.slice(at + 1)];
    throw new UsageError(`--${flag} takes NAME=VALUE, not ${JSON.stringify(value)}`);
  }));
}

/** Returns the directory of the cache; `undefined` for none. */
export function cacheDirectory(
  { flags, environment }: { flags: FlagValues<typeof buildFlags>; environment: Context["environment"] },
): string | undefined {
  if (flags.noCache) {
    if (flags.cache === undefined) return undefined;
    throw new UsageError("--cache and --no-cache exclude each other", { hint: "leave out one" });
  }
  if (flags.cache !== undefined) return flags.cache;
  const folder = environment("XDG_CACHE_HOME");
  if (folder !== undefined && folder !== "") return joinPath(folder, "gcrane");
  const [home, local] = [environment("HOME"), environment("LOCALAPPDATA")];
  if (home) return joinPath(home, ".cache", "gcrane");
  return local ? joinPath(local, "gcrane") : undefined;
}

/** Returns the time of built content. */
export function buildTime({ environment }: Pick<Context, "environment">): number {
  return sourceDate(environment("SOURCE_DATE_EPOCH"));
}
