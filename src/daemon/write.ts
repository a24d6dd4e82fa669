import { NotFoundError } from "../errors.ts";
import { knownDigest } from "../image/internal.ts";
import type { Image, ProgressListener } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { fullName } from "../name/internal.ts";
import { parseTag } from "../name/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { writeTarball } from "../tarball/mod.ts";
import { DockerEngine } from "./engine.ts";
import type { DaemonOptions } from "./image.ts";
import type { ImageInspection } from "./inspection.ts";

/** Options of {@linkcode writeToDaemon}. */
export interface WriteToDaemonOptions extends DaemonOptions {
  /**
   * Called with the progress of each layer.
   * @default none
   */
  onProgress?: ProgressListener;
}

/**
 * Writes an image to a Docker Engine, or to podman. An image that the engine already has is only tagged; no layer is
 * sent.
 *
 * @param reference the name in the engine: `repository:tag`; without a tag, `latest`
 * @returns the engine's messages; empty if it had the image
 * @throws {NameError} if the name has a digest, which engines do not take.
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

/** Returns the engine's id of the image, if it is known without reading or compressing layers. */
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
