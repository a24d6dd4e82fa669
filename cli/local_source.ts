import type { DaemonImage, DockerEngine } from "../src/daemon/mod.ts";
import { exists, stat } from "../src/runtime/mod.ts";
import { type ImageSource, parseSource, splitLocalPath } from "../src/source/mod.ts";
import type { TarballSource } from "../src/tarball/mod.ts";
import type { Context } from "./command.ts";
import { platformsOptions } from "./remote_options.ts";

/** The part of a command's help on images outside of registries. */
export const SOURCES_HELP =
  `Besides a reference, IMAGE may be the path of an OCI layout or of a tarball, as "docker save", "podman save" or "gcrane pull" write them, "-" for such a tarball on standard input, or daemon://NAME for an image in the Docker Engine that DOCKER_HOST names, or in podman. A path begins with "/", "./", "../" or "~/", or with "oci:", "oci-archive:" or "docker-archive:"; PATH:NAME is one image of several.`;

/**
 * Returns the source of an argument that is not a reference: a path, "-" for a tarball on standard input, or
 * `daemon://NAME`. Returns `undefined` for a reference. Only the form of the argument decides.
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

/** Returns the source of an argument: a reference or another source. */
export async function imageSource(name: string, context: Context): Promise<ImageSource> {
  return await localSource(name, context) ?? referenceText(name);
}

/** Returns the reference of an argument, without `docker://`. */
export function referenceText(name: string): string {
  const named = parseSource(name);
  return named.kind === "reference" ? named.text : name;
}

/** Returns an image of the Docker Engine in the environment. Its temporary file is removed when the program ends. */
export async function daemonImage(name: string, context: Context): Promise<DaemonImage> {
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
export function daemonName(name: string): string | undefined {
  const named = parseSource(name);
  return named.kind === "engine" ? named.name : undefined;
}

/** Returns the Docker Engine of the environment. */
export async function engineOf({ environment }: Pick<Context, "environment">): Promise<DockerEngine> {
  const { DockerEngine } = await import("../src/daemon/mod.ts");
  return new DockerEngine({ environment });
}
