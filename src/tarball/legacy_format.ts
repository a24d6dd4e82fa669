import { ValidationError } from "../errors.ts";
import type { Node } from "../graph/mod.ts";
import type { Image, Layer } from "../image/mod.ts";
import { type AbortOptions, digestBytes, drain, measureStream } from "../io/mod.ts";
import { jsonBytes } from "../spec/internal.ts";
import {
  type Algorithm,
  type ConfigFile,
  type Descriptor,
  type Hash,
  hashAlgorithm,
  hashHexDigits,
  type History,
  isDistributable,
} from "../spec/mod.ts";
import type { ArchiveFormat, PlannedFile } from "./archive_sink.ts";
import type { TarViews } from "./as_tars.ts";
import { bytesFile, imagesOf } from "./docker_format.ts";
import { manifestFileBytes, type TarballManifest } from "./manifest_file.ts";

/** The version of a layer's folder, in a file of its own. */
const VERSION = new TextEncoder().encode("1.0");

/** The description of a layer in its folder (Docker Image Specification v1.0, "Image JSON Description"). */
interface LegacyLayer {
  readonly id: string;
  readonly json: Record<string, unknown>;
}

/**
 * The files of a tarball as Docker before 1.10 wrote and read it (Docker Image Specification v1.0): a folder for each
 * layer, which names the one below it, and `repositories` with the names of the topmost ones. `manifest.json` and the
 * configs are there too, so that what is newer reads it as well.
 *
 * The name of a folder follows from the diff ids up to its layer, and for the topmost from the config: it does not
 * depend on how layers are compressed.
 *
 * The images are views of `views`. The format throws a `ValidationError` when one has more or fewer layers than its
 * config or its history.
 */
export function legacyFormat(views: TarViews): ArchiveFormat {
  return (nodes, options) => legacyFiles(nodes, views, options);
}

async function legacyFiles(
  nodes: readonly Node[],
  views: TarViews,
  options: AbortOptions,
): Promise<readonly PlannedFile[]> {
  const files: PlannedFile[] = [];
  const manifests: TarballManifest[] = [];
  const repositories = new Repositories();
  for (const { image, names } of imagesOf(nodes)) {
    const tars = await describeTars(image, options);
    const layers = await describeLayers(image, tars, options);
    const { digest: configName, size } = await (await image.configLayer(options)).descriptor(options);
    const config = `${hashHexDigits(configName)}.json`;
    files.push({ path: config, size, content: configName });
    for (const [index, { id, json }] of layers.entries()) {
      files.push(bytesFile(`${id}/VERSION`, VERSION), bytesFile(`${id}/json`, jsonBytes(json)));
      const { digest, size } = tars[index];
      files.push({ path: `${id}/layer.tar`, size, content: digest });
    }
    const paths = layers.map(({ id }) => `${id}/layer.tar`);
    const layerSources = await sourcesOf(views.originalOf(image), options);
    manifests.push({ config, repoTags: names, layers: paths, layerSources });
    repositories.add(names, layers.at(-1)?.id);
  }
  return [
    ...files,
    bytesFile("manifest.json", manifestFileBytes(manifests)),
    bytesFile("repositories", repositories.bytes()),
  ];
}

/** Returns the digest of a layer that is a tar. Its own is a sha256; for a sha512 it is read again. */
async function tarDigest(layer: Layer, algorithm: Algorithm, options: AbortOptions): Promise<Hash> {
  if (algorithm === "sha256") return await layer.digest(options);
  const { stream, measured } = measureStream(await layer.uncompressed(options), algorithm);
  await drain(stream);
  return (await measured).digest;
}

/** The layers of an image, which are tars. @throws {ValidationError} when they are not those of its config. */
async function describeTars(image: Image, options: AbortOptions): Promise<readonly Descriptor[]> {
  const layers = await image.layers(options);
  const { diff_ids } = (await image.configFile(options)).rootfs;
  if (diff_ids.length !== layers.length) {
    throw new ValidationError(
      `the image has ${layers.length} layers, but its config has ${diff_ids.length} diff ids`,
      { hint: "the image is damaged, or no image to run" },
    );
  }
  return await Promise.all(layers.map(async (layer, index) => {
    const descriptor = await layer.descriptor(options);
    const wanted = diff_ids[index];
    const found = await tarDigest(layer, hashAlgorithm(wanted), options);
    if (found === wanted) return descriptor;
    throw new ValidationError(
      `layer ${index} has the diff id ${found}, but the config of its image has ${wanted}`,
    );
  }));
}

async function describeLayers(
  image: Image,
  tars: readonly Descriptor[],
  options: AbortOptions,
): Promise<LegacyLayer[]> {
  const config = await image.configFile(options);
  const steps = stepsOf(config, tars.length);
  const layers: LegacyLayer[] = [];
  for (const [index, { digest }] of tars.entries()) {
    const parent = layers.at(-1)?.id;
    const top = index === tars.length - 1;
    const parts = [hashHexDigits(digest), parent ?? "", ...(top ? [await image.configName(options)] : [])];
    const id = hashHexDigits(await digestBytes(new TextEncoder().encode(parts.join(" "))));
    layers.push({ id, json: layerJson({ id, parent, step: steps[index], config: top ? config : undefined }) });
  }
  return layers;
}

/** Returns the step of the history that made each layer; empty ones where there is no history. */
function stepsOf({ history }: ConfigFile, layers: number): readonly History[] {
  const steps = (history ?? []).filter(({ empty_layer }) => !empty_layer);
  if (steps.length === layers) return steps;
  if (steps.length === 0) return new Array(layers).fill({});
  throw new ValidationError(`the image has ${layers} layers, but ${steps.length} in its history`, {
    hint: "the format tarball needs no history",
  });
}

/** The fields in the order of the specification; how the image is run stands with its topmost layer alone. */
function layerJson(
  { id, parent, step, config }: { id: string; parent?: string; step: History; config?: ConfigFile },
): Record<string, unknown> {
  return {
    id,
    parent,
    created: config?.created ?? step.created ?? "1970-01-01T00:00:00Z",
    author: step.author,
    comment: step.comment,
    container_config: { Cmd: [step.created_by ?? ""] },
    docker_version: config?.docker_version,
    config: config?.config,
    architecture: config?.architecture,
    os: config?.os,
  };
}

/** What foreign layers are when they are distributed. */
async function sourcesOf(image: Image, options: AbortOptions): Promise<Map<Hash, Descriptor>> {
  const sources = new Map<Hash, Descriptor>();
  for (const layer of await image.layers(options)) {
    if (isDistributable(await layer.mediaType(options))) continue;
    sources.set(await layer.diffId(options), await layer.descriptor(options));
  }
  return sources;
}

/** The names of images, and the topmost layer that each stands for. */
class Repositories {
  readonly #tags = new Map<string, Map<string, string>>();

  /** An image without layers has no topmost one, and no name here. */
  add(repoTags: readonly string[], top: string | undefined): void {
    if (top === undefined) return;
    for (const repoTag of repoTags) {
      const colon = repoTag.lastIndexOf(":");
      const repository = repoTag.slice(0, colon);
      const tags = this.#tags.get(repository) ?? new Map();
      this.#tags.set(repository, tags.set(repoTag.slice(colon + 1), top));
    }
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return jsonBytes(Object.fromEntries([...this.#tags].map(([name, tags]) => [name, Object.fromEntries(tags)])));
  }
}
