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

/** Options of the functions that use a Docker Engine. */
export interface DaemonOptions extends AbortOptions {
  /**
   * The engine.
   *
   * @default the one at DOCKER_HOST, else at /var/run/docker.sock
   */
  engine?: DockerEngine;
}

/** Options of {@linkcode imageFromDaemon}. */
export interface ImageFromDaemonOptions extends DaemonOptions {
  /**
   * The platform of the image, for a name with several.
   *
   * @default the engine's choice, which is its own platform
   */
  platform?: Platform | string;
}

/** An image in a Docker Engine. */
export interface DaemonImage extends Image, AsyncDisposable {
  /** The engine's data on the image: names, platform, execution parameters, diff ids. Needs no saved image. */
  readonly inspection: ImageInspection;
  /** Returns the engine's history of the image, the last step first. Needs no saved image. */
  history(options?: AbortOptions): Promise<ImageHistoryStep[]>;
  /** Removes the temporary file of the saved image. Later reads fail. */
  dispose(): Promise<void>;
}

/**
 * Finds an image in a Docker Engine, or in podman. The call checks that the engine has the image. The image is saved
 * once, into a temporary file, on the first read of anything but its `configName` and the engine's data. Dispose of it
 * to remove that file: `await using image = await imageFromDaemon(…)`.
 *
 * The manifest is Docker's schema 2, as for any tarball. If the tag moves later, the view stays on the image that was
 * found.
 *
 * @param reference `repository`, `repository:tag`, `repository@digest` or an id, in the engine's syntax
 * @throws {NotFoundError} if the engine has no such image, or none for the platform.
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
  // Saves by id, as the tag may have moved.
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

/**
 * Returns the image of the tarball. If there are several, as from engines that keep images by platform, returns the one
 * that was inspected.
 */
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
