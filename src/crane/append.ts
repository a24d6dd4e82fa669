import {
  emptyImage,
  type Image,
  type Layer,
  layerFromDirectory,
  layerFromOpener,
  type LayerOptions,
  streamLayer,
} from "../image/mod.ts";
import { decompressSniffed, fileFailure } from "../io/mod.ts";
import { type Addendum, appendLayers } from "../mutate/mod.ts";
import { type ByteStream, type FileKind, readStream, stat } from "../runtime/mod.ts";
import { MediaType } from "../spec/mod.ts";
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
 * not compressed again. A pipe is read once, while it is uploaded or written.
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
      return await layerFromOpener((abort) => Promise.resolve(readStream(path, abort)), options);
    default:
      return await streamed(readStream(path, options), options, path);
  }
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
    paths.map((path) =>
      path === "-" && stdin ? streamed(stdin(), options, "the tarball on standard input") : layerFromPath(path, options)
    ),
  );
  const docker = await image.mediaType(options) === MediaType.DockerManifestSchema2;
  return appendLayers(image, docker ? await Promise.all(layers.map(asDockerLayer)) : layers);
}

async function streamed(tarball: ByteStream, options: LayerOptions, what: string): Promise<Layer> {
  return streamLayer(await decompressSniffed(tarball, what), options);
}

/** Docker's manifests list layers by Docker's media types; it has none for zstd that all clients know. */
async function asDockerLayer(layer: Layer): Promise<Addendum> {
  switch (await layer.mediaType()) {
    case MediaType.OciLayer:
      return { layer, mediaType: MediaType.DockerUncompressedLayer };
    case MediaType.OciLayerGzip:
      return { layer, mediaType: MediaType.DockerLayer };
    default:
      return { layer };
  }
}
