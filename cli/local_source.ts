import type { PullSource } from "../src/crane/mod.ts";
import type { DaemonImage, DockerEngine } from "../src/daemon/mod.ts";
import { parseTag } from "../src/name/mod.ts";
import { exists, stat } from "../src/runtime/mod.ts";
import { type ImageSource, parseSource, splitLocalPath } from "../src/source/mod.ts";
import type { TarballSource } from "../src/tarball/mod.ts";
import type { Context } from "./command.ts";
import { platformsOptions, remoteOptions } from "./remote_options.ts";

/** What the help of commands says of images that need be in no registry. */
export const SOURCES_HELP =
  `Besides a reference, IMAGE may be the path of an OCI layout or of a tarball, as "docker save", "podman save" or "gcrane pull" write them, "-" for such a tarball on standard input, or daemon://NAME for an image in the Docker Engine that DOCKER_HOST names, or in podman. A path begins with "/", "./", "../" or "~/", or with "oci:", "oci-archive:" or "docker-archive:"; PATH:NAME is one image of several.`;

/**
 * Where an image is that an argument names, if not in a registry: a path, "-" for a tarball on standard input, or
 * `daemon://NAME`. `undefined` for a reference. What the argument is follows from its form alone.
 */
export async function localSource(name: string, context: Context): Promise<Exclude<ImageSource, string> | undefined> {
  const named = parseSource(name);
  switch (named.kind) {
    case "reference":
      return undefined;
    case "stdio":
      return await inputTarball(context);
    case "engine":
      return await daemonImage(named.name, context);
    case "path":
      return { kind: "path", ...await splitLocalPath(named.text) };
  }
}

/** Where an image is that an argument names: in a registry, or elsewhere. */
export async function imageSource(name: string, context: Context): Promise<ImageSource> {
  return await localSource(name, context) ?? referenceText(name);
}

/** The reference that an argument names, without `docker://`. */
export function referenceText(name: string): string {
  const named = parseSource(name);
  return named.kind === "reference" ? named.text : name;
}

/** An image in the Docker Engine of the environment. What it saves is gone when the program ends. */
export async function daemonImage(name: string, context: Context): Promise<DaemonImage> {
  const { imageFromDaemon } = await import("../src/daemon/mod.ts");
  const { platforms = [] } = platformsOptions(context);
  const platform = platforms.length === 1 ? platforms[0] : undefined;
  return await imageFromDaemon(name, { engine: await engineOf(context), platform, signal: context.signal });
}

/** The tarball on standard input; the file that keeps it is gone when the program ends. */
export async function inputTarball({ stdin, signal }: Pick<Context, "stdin" | "signal">): Promise<TarballSource> {
  const { SavedTarball } = await import("../src/tarball/mod.ts");
  const tarball = new SavedTarball("standard input", stdin);
  signal.addEventListener("abort", () => void tarball.dispose().catch(() => {}), { once: true });
  return tarball;
}

/** The path of a layout that may be changed where it is, or made; `undefined` for what is one image, or a file. */
export async function layoutToChange(source: ImageSource | undefined): Promise<string | undefined> {
  if (typeof source !== "object" || !("kind" in source) || source.kind !== "path") return undefined;
  if (source.tag !== undefined) return undefined;
  const isFile = await exists(source.path) && (await stat(source.path)).kind !== "directory";
  return isFile ? undefined : source.path;
}

/** The name of an image in a Docker Engine; `undefined` for one that is elsewhere. */
export function daemonName(name: string): string | undefined {
  const named = parseSource(name);
  return named.kind === "engine" ? named.name : undefined;
}

/** The Docker Engine that the environment names. */
export async function engineOf({ environment }: Pick<Context, "environment">): Promise<DockerEngine> {
  const { DockerEngine } = await import("../src/daemon/mod.ts");
  return new DockerEngine({ environment });
}

/** What a name stands for when it is saved: an image of an engine, or one with a name in a file, keeps its name. */
export async function pullSource(name: string, context: Context): Promise<PullSource> {
  const inEngine = daemonName(name);
  if (inEngine !== undefined) {
    const view = await daemonImage(inEngine, context);
    const { repoTags } = view.inspection;
    return { view, reference: repoTags.includes(inEngine) ? inEngine : repoTags[0] };
  }
  const local = await localSource(name, context);
  if (local === undefined) return referenceText(name);
  const { open } = await import("../src/source/mod.ts");
  const view = await open(local, platformsOptions(context));
  const tag = "path" in local ? local.tag : undefined;
  // A layout may name an image by a tag alone, which is no name anywhere else.
  return { view, reference: tag?.includes(":") ? tag : undefined };
}

/** Gives the Docker Engine of the environment an image; of an index the one for --platform, linux/amd64 by default. */
export async function giveToEngine(source: ImageSource, name: string, context: Context): Promise<void> {
  parseTag(name); // before anything is read
  const options = remoteOptions(context);
  const { openImage } = await import("../src/source/mod.ts");
  const { writeToDaemon } = await import("../src/daemon/mod.ts");
  const image = await openImage(source, options);
  const { signal, onProgress } = context;
  await writeToDaemon(image, name, { engine: await engineOf(context), signal, onProgress });
}
