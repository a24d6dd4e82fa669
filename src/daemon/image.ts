import { DigestMismatchError, NotFoundError } from "../errors.ts";
import { type Image, imageFromUncompressed } from "../image/mod.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import {
  configPlatform,
  MediaType,
  parsePlatform,
  type Platform,
  platformSatisfies,
  platformString,
} from "../spec/mod.ts";
import { SavedTarball, tarballImages } from "../tarball/mod.ts";
import { DockerEngine } from "./engine.ts";
import type { ImageHistoryStep, ImageInspection } from "./inspection.ts";

/** Options of what works with a Docker Engine. */
export interface DaemonOptions extends AbortOptions {
  /**
   * The engine.
   * @default the one that DOCKER_HOST names, else at /var/run/docker.sock
   */
  engine?: DockerEngine;
}

/** Options of {@linkcode imageFromDaemon}. */
export interface ImageFromDaemonOptions extends DaemonOptions {
  /**
   * Which image of a name that stands for several.
   * @default the engine's choice: the one for its own platform
   */
  platform?: Platform | string;
}

/** An image in a Docker Engine. */
export interface DaemonImage extends Image, AsyncDisposable {
  /** What the engine knows of it: names, platform, how it is run, diff ids. Nothing is saved for that. */
  readonly inspection: ImageInspection;
  /** How it came to be, as the engine tells it, the last step first. Nothing is saved for that. */
  history(options?: AbortOptions): Promise<ImageHistoryStep[]>;
  /** Removes the temporary file that holds what the engine saved. What is read afterwards fails. */
  dispose(): Promise<void>;
}

/**
 * An image in a Docker Engine, or in podman. The engine is asked now whether it has the image; the image is saved once,
 * into a temporary file, when somebody reads more of it than its `configName` and what the engine says. Dispose of it
 * to have that file removed: `await using image = await imageFromDaemon(…)`.
 *
 * Its manifest is Docker's schema 2, as for any tarball. The tag may move on: the image stays the one that was found.
 *
 * @param reference `repository`, `repository:tag`, `repository@digest` or an id, as the engine understands it
 * @throws {NotFoundError} when the engine has no such image, or none for the platform.
 */
export async function imageFromDaemon(reference: string, options: ImageFromDaemonOptions = {}): Promise<DaemonImage> {
  const { engine = new DockerEngine(), signal } = options;
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const inspection = await engine.inspect(reference, { platform, signal });
  if (platform && !platformSatisfies(inspection.platform, platform)) {
    throw new NotFoundError(
      `the Docker engine at ${engine.address} has ${reference} for ${platformString(inspection.platform)}, ` +
        `not for ${platformString(platform)}`,
      { hint: "pull the other one, or leave the platform out" },
    );
  }
  // By its id, so that what is saved is what was found.
  const wanted = inspection.multiPlatform ? { platform: inspection.platform } : {};
  const tarball = new SavedTarball(
    `what ${engine.address} saves of ${reference}`,
    (options) => engine.save(inspection.id, { ...wanted, ...options }),
  );
  const saved = lazy(async () => await confirmed(await findSaved(tarball, inspection), inspection, tarball.name));
  const image = imageFromUncompressed({
    rawConfigFile: async () => await (await saved()).rawConfigFile(),
    layers: async () => await (await saved()).layers(),
    mediaType: MediaType.DockerManifestSchema2,
    what: `${reference} in ${engine.address}`,
  });
  const { configName } = inspection;
  const dispose = () => tarball.dispose();
  return {
    ...image,
    configName: configName === undefined ? image.configName : () => Promise.resolve(configName),
    inspection,
    history: (options) => engine.history(inspection.id, { ...wanted, ...options }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** The image of the tarball; of several, which engines save that keep images by platform, the one that was inspected. */
async function findSaved(tarball: SavedTarball, { platform }: ImageInspection): Promise<Image> {
  const images = (await tarballImages(tarball)).map(({ image }) => image);
  if (images.length === 1) return images[0];
  for (const image of images) {
    if (platformSatisfies(configPlatform(await image.configFile()), platform)) return image;
  }
  throw new NotFoundError(`${tarball.name} holds no image for ${platformString(platform)}`);
}

async function confirmed(image: Image, { configName }: ImageInspection, what: string): Promise<Image> {
  const found = await image.configName();
  if (configName === undefined || configName === found) return image;
  throw new DigestMismatchError(`${what} has the config ${found} where ${configName} was promised`);
}
