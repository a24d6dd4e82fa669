import {
  emptyImage,
  type Image,
  type Layer,
  layerFromDirectory,
  layerFromOpener,
  type LayerOptions,
  streamLayer,
} from "../image/mod.ts";
import { decompressSniffed } from "../io/mod.ts";
import { appendLayers } from "../mutate/mod.ts";
import { type ByteStream, readStream, stat } from "../runtime/mod.ts";
import { MediaType } from "../spec/mod.ts";
import { FileError } from "../errors.ts";
import type { CraneOptions } from "./options.ts";

/** Options of {@linkcode layerFromPath}. */
export interface LayerFromPathOptions extends LayerOptions, Pick<CraneOptions, "signal"> {
  /**
   * Where in the image the files of a directory go.
   * @default the root
   */
  prefix?: string;
}

/**
 * A layer from a path: of a directory its files, else of a tarball as it is. A tarball that is compressed already is
 * not compressed again.
 */
export async function layerFromPath(path: string, options: LayerFromPathOptions = {}): Promise<Layer> {
  let kind: string;
  try {
    ({ kind } = await stat(path));
  } catch (cause) {
    throw new FileError(`can't read the layer ${path}: ${(cause as Error).message}`, { cause });
  }
  if (kind === "directory") return await layerFromDirectory(path, options);
  return await layerFromOpener((abort) => Promise.resolve(readStream(path, abort)), options);
}

/** Options of {@linkcode append}. */
export interface AppendOptions extends LayerFromPathOptions {
  /**
   * Whether an image that is made without a base has OCI's media types instead of Docker's.
   * @default false
   */
  oci?: boolean;
  /**
   * Opens what the path `-` stands for. It is read once, while it is uploaded.
   * @default nothing: `-` is a file's name
   */
  stdin?: () => ByteStream;
}

/**
 * An image with the content of tarballs or directories on top, one layer each, the last one uppermost.
 *
 * @param base what to put them on; `undefined` for nothing
 */
export async function append(
  base: Image | undefined,
  paths: readonly string[],
  options: AppendOptions = {},
): Promise<Image> {
  const { stdin, oci } = options;
  const image = base ?? emptyImage({ mediaType: oci ? MediaType.OciManifest : MediaType.DockerManifestSchema2 });
  const layers = await Promise.all(
    paths.map((path) => path === "-" && stdin ? streamed(stdin(), options) : layerFromPath(path, options)),
  );
  return appendLayers(image, layers);
}

async function streamed(tarball: ByteStream, options: LayerOptions): Promise<Layer> {
  return streamLayer(await decompressSniffed(tarball, "the tarball on standard input"), options);
}
