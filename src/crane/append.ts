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
import { holdsZstd, ociForZstd, windowsLayer } from "../mutate/internal.ts";
import { appendLayers } from "../mutate/mod.ts";
import { type ByteStream, type FileStat, readStream, stat } from "../runtime/mod.ts";
import { DEFAULT_PLATFORM, MediaType, type Platform } from "../spec/mod.ts";
import { readTar } from "../tar/mod.ts";
import type { CraneOptions } from "./options.ts";

/** Options of {@linkcode layerFromPath}. */
export interface LayerFromPathOptions
  extends LayerOptions, Pick<TarDirectoryOptions, "prefix" | "mtime">, Pick<CraneOptions, "signal"> {}

/**
 * Creates a layer from a path: from the files of a directory, or from a tarball. A compressed tarball is not compressed
 * again, except for eStargz. A pipe is read once, while it is uploaded or written.
 */
export async function layerFromPath(path: string, options: LayerFromPathOptions = {}): Promise<Layer> {
  try {
    return await layerOfKind(path, await stat(path), options);
  } catch (error) {
    throw fileFailure(`can't read the layer ${path}`, error);
  }
}

async function layerOfKind(path: string, { kind, size }: FileStat, options: LayerFromPathOptions): Promise<Layer> {
  switch (kind) {
    case "directory":
      return await layerFromDirectory(path, options);
    case "file":
      await checkTarball(path, options);
      return await layerFromOpener((abort) => Promise.resolve(readStream(path, abort)), { ...options, size });
    default:
      return await streamed(readStream(path, options), options, path);
  }
}

/** Checks the beginning of a file, as a file that is not a tarball would make an image that can't run. */
async function checkTarball(path: string, options: AbortOptions): Promise<void> {
  const tar = readTar(await decompressSniffed(readStream(path, options), { what: path }), options);
  try {
    await tar.next();
  } catch (cause) {
    if (!(cause instanceof TarError)) throw cause;
    throw new TarError(`${path} is not a tarball: ${cause.message}`, { cause });
  } finally {
    await tar.return();
  }
}

/** Options of {@linkcode layersFromPaths}. */
export interface LayersFromPathsOptions extends LayerFromPathOptions {
  /**
   * Opens the source for the path `-`. It is read once, while it is uploaded.
   *
   * @default none: `-` is the name of a file
   */
  stdin?: () => ByteStream;
}

/** Creates a layer from each path, in order. */
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
   * Whether an image without a base has OCI's media types instead of Docker's.
   *
   * @default false
   */
  oci?: boolean;
  /**
   * The platform of an image without a base.
   *
   * @default linux/amd64
   */
  platform?: Platform | string;
  /**
   * Called with a message for the user: the image becomes an OCI image, as Docker's media types have no zstd.
   *
   * @default not called
   */
  onWarning?: (message: string) => void;
}

/** The message on an image whose media types become OCI's. */
export const OCI_FOR_ZSTD = "the image becomes an OCI image, since Docker's media types have no zstd";

/**
 * Adds tarballs or directories to an image as layers on top, one each, the last one uppermost. For an image of Windows
 * the files are placed as Windows layers require.
 *
 * @param base the image or index below them; `undefined` for none
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
  const layers = await layersFor(image);
  const appended = appendLayers(image, layers);
  if (!await holdsZstd(layers)) return appended;
  return await ociForZstd(appended, base && (() => options.onWarning?.(OCI_FOR_ZSTD)));
}

/**
 * Returns a function that adapts layers of plain files to an image's operating system: for Windows they are rebuilt,
 * once for all images.
 */
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
  return streamLayer(await decompressSniffed(tarball, { what }), options);
}
