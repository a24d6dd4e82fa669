import { DigestMismatchError, NameError, NotFoundError } from "../errors.ts";
import { DockerEngine, type ImageHistoryStep, type ImageInspection } from "../daemon/mod.ts";
import { type Image, imageFromUncompressed, knownDigest, type ProgressListener } from "../image/mod.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import { parseTag } from "../name/mod.ts";
import { configPlatform, type Hash, MediaType, type Platform, platformSatisfies, platformString } from "../spec/mod.ts";
import { tarballImages, writeTarball } from "../tarball/mod.ts";
import { SavedTarball } from "./saved_tarball.ts";

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
  platform?: Platform;
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
  const { engine = new DockerEngine(), platform, signal } = options;
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

/** Options of {@linkcode writeToDaemon}. */
export interface WriteToDaemonOptions extends DaemonOptions {
  /**
   * Called with the progress of each layer.
   *
   * @default not called
   */
  onProgress?: ProgressListener;
}

/**
 * Loads an image into a Docker Engine, or into podman. An image that the engine has already only gets the name; nothing
 * is sent.
 *
 * @param reference its name in the engine: `repository:tag`; without a tag, `latest`
 * @returns the engine's output; empty if it had the image
 * @throws {NameError} if the name has a digest, which an engine does not accept.
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

/** Returns the image's id in the engine, if it is known without reading or compressing layers. */
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

/** Returns the full form of a name, or `undefined` if it is not valid: `<none>:<none>`. */
function fullName(repoTag: string): string | undefined {
  try {
    return parseTag(repoTag).name;
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
