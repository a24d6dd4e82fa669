import type { DaemonImage, ImageSource } from "../src/crane/mod.ts";
import type { DockerEngine } from "../src/daemon/mod.ts";
import { localName } from "../src/name/mod.ts";
import { exists, stat } from "../src/runtime/mod.ts";
import type { Context } from "./command.ts";
import { platformsOptions } from "./remote_options.ts";

/** How an image in a Docker Engine is named. No reference begins so. */
const DAEMON = "daemon://";

/** What the help of commands says of images that need be in no registry. */
export const SOURCES_HELP =
  `Besides a reference, IMAGE may be the path of an OCI layout or of a tarball, as "docker save", "podman save" or "gcrane pull" write them, "-" for such a tarball on standard input, or daemon://NAME for an image in the Docker Engine that DOCKER_HOST names, or in podman. PATH:NAME is one image of several in a file.`;

/**
 * Where an image is that an argument names, if not in a registry: a path, "-" for a tarball on standard input, or
 * `daemon://NAME`. `undefined` for a reference.
 */
export async function localSource(name: string, context: Context): Promise<ImageSource | undefined> {
  if (name === "-") return await (await import("./input_tarball.ts")).inputTarball(context);
  const wanted = daemonName(name);
  if (wanted === undefined) return await localName(name) === undefined ? undefined : name;
  return await daemonImage(wanted, context);
}

/** An image in the Docker Engine of the environment. What it saves is gone when the program ends. */
export async function daemonImage(name: string, context: Context): Promise<DaemonImage> {
  const { imageFromDaemon } = await import("../src/crane/mod.ts");
  const { platforms = [] } = platformsOptions(context);
  const platform = platforms.length === 1 ? platforms[0] : undefined;
  return await imageFromDaemon(name, { engine: await engineOf(context), platform, signal: context.signal });
}

/** The path of a layout that may be changed where it is, or made; `undefined` for what is one image, or a file. */
export async function layoutToChange(source: ImageSource | undefined): Promise<string | undefined> {
  if (typeof source !== "string") return undefined;
  const local = await localName(source);
  if (local === undefined || local.tag !== undefined) return undefined;
  const isFile = await exists(local.path) && (await stat(local.path)).kind !== "directory";
  return isFile ? undefined : local.path;
}

/** The name of an image in a Docker Engine; `undefined` for one that is elsewhere. */
export function daemonName(name: string): string | undefined {
  return name.startsWith(DAEMON) ? name.slice(DAEMON.length) : undefined;
}

/** The Docker Engine that the environment names. */
export async function engineOf({ environment }: Pick<Context, "environment">): Promise<DockerEngine> {
  const { DockerEngine } = await import("../src/daemon/mod.ts");
  return new DockerEngine({ environment });
}
