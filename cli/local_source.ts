import type { NamedView } from "../src/crane/mod.ts";
import type { DaemonImage, DockerEngine } from "../src/daemon/mod.ts";
import { parseTag } from "../src/name/mod.ts";
import { exists, stat } from "../src/runtime/mod.ts";
import type { ImageSource, NamedSource } from "../src/source/mod.ts";
import type { TarballSource } from "../src/tarball/mod.ts";
import type { Context } from "./command.ts";
import { headersOf } from "./docker_headers.ts";
import { platformsOptions, remoteOptions } from "./remote_options.ts";

/** The part of a command's help on images outside of registries. */
export const SOURCES_HELP =
  `IMAGE may be a reference, the path of an OCI layout or of a tarball of "docker save", "podman save" or "gcrane pull", "-" for such a tarball on standard input, or daemon://NAME for an image in the Docker Engine of DOCKER_HOST, or in podman. A path begins with "/", "./", "../" or "~/", or with "oci:", "oci-archive:" or "docker-archive:"; PATH:NAME selects one image of several.`;

/**
 * Returns the source of an argument that is not a reference: a path, "-" for a tarball on standard input, or
 * `daemon://NAME`. Returns `undefined` for a reference. Only the form of the argument decides.
 */
export async function localSource(name: string, context: Context): Promise<Exclude<ImageSource, string> | undefined> {
  const named = await namedSource(name);
  switch (named.kind) {
    case "reference":
      return undefined;
    case "stdio":
      return await inputTarball(context);
    case "engine":
      return await daemonImage(named.name, context);
    case "path": {
      const { splitLocalPath } = await import("../src/source/mod.ts");
      return { kind: "path", ...await splitLocalPath(named.text) };
    }
  }
}

/** Returns what an argument names, by its form alone. Loads the source room, which help and usage do without. */
export async function namedSource(name: string): Promise<NamedSource> {
  const { parseSource } = await import("../src/source/mod.ts");
  return parseSource(name);
}

/** Returns the source of an argument: a reference or another source. */
export async function imageSource(name: string, context: Context): Promise<ImageSource> {
  return await localSource(name, context) ?? await referenceText(name);
}

/** Returns the reference of an argument, without `docker://`. */
export async function referenceText(name: string): Promise<string> {
  const named = await namedSource(name);
  return named.kind === "reference" ? named.text : name;
}

/** Returns an image of the Docker Engine in the environment. Its temporary file is removed when the program ends. */
async function daemonImage(name: string, context: Context): Promise<DaemonImage> {
  const { imageFromDaemon } = await import("../src/daemon/mod.ts");
  const { platforms = [] } = platformsOptions(context);
  const platform = platforms.length === 1 ? platforms[0] : undefined;
  return await imageFromDaemon(name, { engine: await engineOf(context), platform, signal: context.signal });
}

/** Returns the tarball on standard input. Its temporary file is removed when the program ends. */
export async function inputTarball({ stdin, signal }: Pick<Context, "stdin" | "signal">): Promise<TarballSource> {
  const { SavedTarball } = await import("../src/tarball/mod.ts");
  const tarball = new SavedTarball("standard input", stdin);
  signal.addEventListener("abort", () => void tarball.dispose().catch(() => {}), { once: true });
  return tarball;
}

/** Returns the path of a layout to change in place or to create, or `undefined` for a single image or a file. */
export async function layoutToChange(source: ImageSource | undefined): Promise<string | undefined> {
  if (typeof source !== "object" || !("kind" in source) || source.kind !== "path") return undefined;
  if (source.tag !== undefined) return undefined;
  const isFile = await exists(source.path) && (await stat(source.path)).kind !== "directory";
  return isFile ? undefined : source.path;
}

/** Returns the name of an image in a Docker Engine, or `undefined` for any other source. */
export async function daemonName(name: string): Promise<string | undefined> {
  const named = await namedSource(name);
  return named.kind === "engine" ? named.name : undefined;
}

/** Returns the Docker Engine of the environment. */
async function engineOf({ environment }: Pick<Context, "environment">): Promise<DockerEngine> {
  const { DockerEngine } = await import("../src/daemon/mod.ts");
  return new DockerEngine({ environment, headers: headersOf(environment, "engine") });
}

/** Returns the source of a name to save: an image of an engine, or one with a name in a file, keeps its name. */
export async function pullSource(name: string, context: Context): Promise<string | NamedView> {
  const inEngine = await daemonName(name);
  if (inEngine !== undefined) {
    const view = await daemonImage(inEngine, context);
    const { repoTags } = view.inspection;
    return { view, reference: repoTags.includes(inEngine) ? inEngine : repoTags[0] };
  }
  const local = await localSource(name, context);
  if (local === undefined) return await referenceText(name);
  const { open } = await import("../src/source/mod.ts");
  const view = await open(local, platformsOptions(context));
  const tag = "path" in local ? local.tag : undefined;
  // A layout may name an image by a tag alone, which is not a valid name elsewhere.
  return { view, reference: tag?.includes(":") ? tag : undefined };
}

/**
 * Loads an image into the Docker Engine of the environment; of an index the one for --platform, linux/amd64 by default.
 */
export async function giveToEngine(source: ImageSource, name: string, context: Context): Promise<void> {
  parseTag(name); // fails before anything is read
  const options = remoteOptions(context);
  const { openImage } = await import("../src/source/mod.ts");
  const { writeToDaemon } = await import("../src/daemon/mod.ts");
  const image = await openImage(source, options);
  const { signal, onProgress } = context;
  await writeToDaemon(image, name, { engine: await engineOf(context), signal, onProgress });
}
