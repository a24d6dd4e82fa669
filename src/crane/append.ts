import {
  emptyImage,
  type Image,
  type Layer,
  layerFromDirectory,
  layerFromOpener,
  type LayerOptions,
  streamLayer,
  type TarDirectoryOptions,
} from "../image/mod.ts";
import { TarError } from "../errors.ts";
import { type AbortOptions, decompressSniffed, fileFailure, lazy } from "../io/mod.ts";
import { appendLayers, windowsLayer } from "../mutate/mod.ts";
import { type ByteStream, type FileKind, readStream, stat } from "../runtime/mod.ts";
import { DEFAULT_PLATFORM, MediaType, type Platform } from "../spec/mod.ts";
import { readTar } from "../tar/mod.ts";
import type { CraneOptions } from "./options.ts";

/** Options of {@linkcode layerFromPath}. */
export interface LayerFromPathOptions
  extends LayerOptions, Pick<TarDirectoryOptions, "prefix" | "mtime">, Pick<CraneOptions, "signal"> {}

/**
 * A layer from a path: of a directory its files, else of a tarball as it is. A tarball that is compressed already is
 * not compressed again, unless it is to be an eStargz. A pipe is read once, while it is uploaded or written.
 */
export async function layerFromPath(path: string, options: LayerFromPathOptions = {}): Promise<Layer> {
  try {
    return await layerOfKind(path, (await stat(path)).kind, options);
  } catch (error) {
    throw fileFailure(`can't read the layer ${path}`, error);
  }
}

async function layerOfKind(path: string, kind: FileKind, options: LayerFromPathOptions): Promise<Layer> {
  switch (kind) {
    case "directory":
      return await layerFromDirectory(path, options);
    case "file":
      await checkTarball(path, options);
      return await layerFromOpener((abort) => Promise.resolve(readStream(path, abort)), options);
    default:
      return await streamed(readStream(path, options), options, path);
  }
}

/** Looks at the beginning of a file: what is no tarball would make an image that nobody can run. */
async function checkTarball(path: string, options: AbortOptions): Promise<void> {
  const tar = readTar(await decompressSniffed(readStream(path, options), path), options);
  try {
    await tar.next();
  } catch (cause) {
    if (!(cause instanceof TarError)) throw cause;
    throw new TarError(`${path} is no tarball: ${cause.message}`, { cause });
  } finally {
    await tar.return();
  }
}

/** Options of {@linkcode layersFromPaths}. */
export interface LayersFromPathsOptions extends LayerFromPathOptions {
  /**
   * Opens what the path `-` stands for. It is read once, while it is uploaded.
   * @default nothing: `-` is a file's name
   */
  stdin?: () => ByteStream;
}

/** A layer from each path, in their order. */
export async function layersFromPaths(
  paths: readonly string[],
  options: LayersFromPathsOptions = {},
): Promise<Layer[]> {
  const { stdin } = options;
  return await Promise.all(
    paths.map((path) =>
      path === "-" && stdin ? streamed(stdin(), options, "the tarball on standard input") : layerFromPath(path, options)
    ),
  );
}

/** Options of {@linkcode append}. */
export interface AppendOptions extends LayersFromPathsOptions {
  /**
   * Whether an image that is made without a base has OCI's media types instead of Docker's.
   * @default false
   */
  oci?: boolean;
  /**
   * The platform of an image that is made without a base.
   * @default linux/amd64
   */
  platform?: Platform | string;
}

/**
 * An image with the content of tarballs or directories on top, one layer each, the last one uppermost. On an image of
 * Windows, files go where Windows has them in a layer.
 *
 * @param base what to put them on; `undefined` for nothing
 */
export async function append(
  base: Image | undefined,
  paths: readonly string[],
  options: AppendOptions = {},
): Promise<Image> {
  const { oci, platform = DEFAULT_PLATFORM } = options;
  const mediaType = oci ? MediaType.OciManifest : MediaType.DockerManifestSchema2;
  const image = base ?? emptyImage({ mediaType, platform });
  const layersFor = fittingLayers(await layersFromPaths(paths, options), options);
  return appendLayers(image, await layersFor(image));
}

/** Gives layers of plain files as an image's system wants them: for Windows they are made anew, once for all images. */
export function fittingLayers(
  layers: readonly Layer[],
  options: LayerFromPathOptions = {},
): (image: Image) => Promise<readonly Layer[]> {
  const forWindows = lazy(() => Promise.all(layers.map((layer) => windowsLayer(layer, options))));
  return async (image) => {
    const isForWindows = layers.length > 0 && (await image.configFile(options)).os === "windows";
    return isForWindows ? await forWindows() : layers;
  };
}

async function streamed(tarball: ByteStream, options: LayerOptions, what: string): Promise<Layer> {
  return streamLayer(await decompressSniffed(tarball, what), options);
}
