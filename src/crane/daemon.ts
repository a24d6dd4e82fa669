import { DigestMismatchError, NameError, NotFoundError } from "../errors.ts";
import { DockerEngine, type ImageHistoryStep, type ImageInspection } from "../daemon/mod.ts";
import { type Image, imageFromUncompressed, knownDigest, type ProgressListener } from "../image/mod.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import { parseTag } from "../name/mod.ts";
import { configPlatform, type Hash, MediaType, type Platform, platformSatisfies, platformString } from "../spec/mod.ts";
import { tarballImages, writeTarball } from "../tarball/mod.ts";
import { SavedTarball } from "./saved_tarball.ts";

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
  platform?: Platform;
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
 * Returns an image in a Docker Engine, or in podman. The engine is asked now whether it has the image; the image is
 * saved once, into a temporary file, when somebody reads more of it than its `configName` and what the engine says.
 * Dispose of it to have that file removed: `await using image = await imageFromDaemon(…)`.
 *
 * Its manifest is Docker's schema 2, as for any tarball. The tag may move on: the image stays the one that was found.
 *
 * @param reference `repository`, `repository:tag`, `repository@digest` or an id, as the engine understands it
 * @throws {NotFoundError} when the engine has no such image, or none for the platform.
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

/**
 * Returns the image of the tarball; of several, which engines save that keep images by platform, the one that was
 * inspected.
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

/** Returns the full form of a name; `undefined` for what is none: `<none>:<none>`. */
function fullName(repoTag: string): string | undefined {
  try {
    return parseTag(repoTag).name;
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
