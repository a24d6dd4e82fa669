import { NameError, NotFoundError } from "../errors.ts";
import { knownDigest } from "../image/internal.ts";
import type { Image, ProgressListener } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { parseTag } from "../name/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { writeTarball } from "../tarball/mod.ts";
import { DockerEngine } from "./engine.ts";
import type { DaemonOptions } from "./image.ts";
import type { ImageInspection } from "./inspection.ts";

/** Options of {@linkcode writeToDaemon}. */
export interface WriteToDaemonOptions extends DaemonOptions {
  /**
   * Is told how far each layer has got.
   * @default nobody is told
   */
  onProgress?: ProgressListener;
}

/**
 * Puts an image into a Docker Engine, or into podman. One that the engine has already is given the name, and nothing is
 * sent.
 *
 * @param reference its name there: `repository:tag`; without a tag, `latest`
 * @returns what the engine says; empty when it had the image
 * @throws {NameError} when the name has a digest, which an engine can't be told.
 */
export async function writeToDaemon(
  image: Image,
  reference: string,
  options: WriteToDaemonOptions = {},
): Promise<string> {
  const { engine = new DockerEngine(), onProgress, signal } = options;
  const { name } = parseTag(reference);
  const configName = await knownConfigName(image, { signal });
  const there = configName && await inspectIfThere(engine, configName, { signal });
  if (there) {
    if (!there.repoTags.some((tag) => fullName(tag) === name)) await engine.tag(there.id, reference, { signal });
    return "";
  }
  return await engine.load(writeTarball([{ image, reference }], { onProgress, signal }), { signal });
}

/** What the engine would call the image, where that is known without reading or compressing layers. */
async function knownConfigName(image: Image, options: AbortOptions): Promise<Hash | undefined> {
  return await knownDigest(image, options) === undefined ? undefined : await image.configName(options);
}

async function inspectIfThere(
  engine: DockerEngine,
  configName: Hash,
  options: AbortOptions,
): Promise<ImageInspection | undefined> {
  try {
    const inspection = await engine.inspect(configName, options);
    return inspection.configName === configName ? inspection : undefined;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** The full form of a name; `undefined` for what is none: `<none>:<none>`. */
function fullName(repoTag: string): string | undefined {
  try {
    return parseTag(repoTag).name;
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
