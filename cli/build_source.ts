import type { BuiltImage, ProjectFiles, SbomFormat } from "../src/build/mod.ts";
import { UsageError } from "../src/errors.ts";
import { exists, joinPath } from "../src/runtime/mod.ts";
import { type buildFlags, buildSettings, buildTime, cacheDirectory, type imageFlags } from "./build_flags.ts";
import type { Context } from "./command.ts";
import type { FlagValues } from "./flag.ts";
import { imageSource } from "./local_source.ts";
import { networkFetch } from "./network.ts";
import { commandOptions } from "./remote_options.ts";

/** What is built. */
export interface BuildSource {
  readonly directory: string;
  /** Whether it is what a build made. */
  readonly bundle: boolean;
}

/** The context of a command with the flags of builds. */
export type BuildContext = Context & {
  readonly flags: FlagValues<typeof buildFlags> & Partial<FlagValues<typeof imageFlags>>;
};

/** Builds an image of a directory with the settings of the flags. */
export async function runBuild({ directory, bundle }: BuildSource, context: BuildContext): Promise<BuiltImage> {
  const { flags, signal, warn } = context;
  const settings = buildSettings(flags);
  const mtime = buildTime(context);
  const cachePath = cacheDirectory(context);
  const { buildCache, buildImage, findProject } = await import("../src/build/mod.ts");
  const { fileCache } = await import("../src/cache/mod.ts");
  const { open } = await import("../src/source/mod.ts");
  const options = commandOptions(context);
  const found = await findProject(directory);
  return await buildImage({
    ...options,
    ...settings,
    ...found,
    ...bundle && { project: "" },
    bundle,
    base: flags.base === undefined ? undefined : await imageSource(flags.base, context),
    openBase: async (name) => await open(await imageSource(name, context), options),
    mtime,
    cache: cachePath === undefined ? undefined : buildCache(cachePath),
    denoDir: await denoDir(context),
    packages: {
      cache: cachePath === undefined ? undefined : fileCache(joinPath(cachePath, "packages")),
      fetch: networkFetch(context),
      environment: context.environment,
    },
    onWarning: warn,
    signal,
  });
}

/** Returns Deno's cache, if there is one. */
async function denoDir({ environment }: Pick<Context, "environment">): Promise<ProjectFiles | undefined> {
  const [named, xdg, home] = ["DENO_DIR", "XDG_CACHE_HOME", "HOME"].map((name) => environment(name) || undefined);
  const path = named ?? (xdg ? joinPath(xdg, "deno") : home && joinPath(home, ".cache", "deno"));
  if (path === undefined || !await exists(path)) return undefined;
  const { directoryFiles } = await import("../src/build/mod.ts");
  return await directoryFiles(path);
}

/** Returns the formats of --sbom. @throws {UsageError} if there is no such format. */
export function sbomFormats(given: readonly string[]): readonly SbomFormat[] {
  if (given.length === 0) return ["spdx", "cyclonedx"];
  if (given.includes("none")) {
    if (given.length === 1) return [];
    throw new UsageError("--sbom has both none and a format", { hint: "leave out one" });
  }
  return given.map((name) => {
    if (name === "spdx" || name === "cyclonedx") return name;
    throw new UsageError(`--sbom has no ${JSON.stringify(name)}`, { hint: "there are spdx, cyclonedx and none" });
  });
}
