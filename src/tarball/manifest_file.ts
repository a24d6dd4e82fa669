import { TarballError } from "../errors.ts";
import { type AbortOptions, listed } from "../io/mod.ts";
import { fullName } from "../name/internal.ts";
import { parseTag } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { isDescriptor, jsonBytes, parseJson } from "../spec/internal.ts";
import { type Descriptor, type Hash, isHash } from "../spec/mod.ts";
import type { Archive } from "./archive.ts";

/** One image of a tarball, as its `manifest.json` describes it. */
export interface TarballManifest {
  /** The name of the file with the config. */
  readonly config: string;
  /** The names of the image: `repository:tag`, as they are written there. */
  readonly repoTags: readonly string[];
  /** The names of the files with the layers, the bottom one first. */
  readonly layers: readonly string[];
  /** Descriptors of layers that are to be found elsewhere, by their diff ids. */
  readonly layerSources: ReadonlyMap<Hash, Descriptor>;
}

const NAME = "manifest.json";

/** Whether a tarball has a `manifest.json`. */
export function hasManifestFile(archive: Archive): boolean {
  return archive.has(NAME);
}

/** Reads the `manifest.json` of a tarball. @throws {TarballError} when there is none, or it is not what it should be. */
export async function readManifestFile(archive: Archive, options: AbortOptions = {}): Promise<TarballManifest[]> {
  if (!hasManifestFile(archive)) throw lacksManifest(archive);
  const what = `${NAME} in ${archive.name}`;
  const bytes = await archive.bytes(archive.file(NAME), options);
  let images: unknown;
  try {
    images = parseJson(bytes, what);
  } catch (cause) {
    throw new TarballError((cause as Error).message, { cause });
  }
  if (!Array.isArray(images) || images.length === 0) throw new TarballError(`${what} lists no images`);
  return images.map((image, index) => parseImage(image, `${what}: image ${index}`));
}

/** Writes a `manifest.json`, with the fields in the order that `docker save` has them. */
export function manifestFileBytes(images: readonly TarballManifest[]): Bytes {
  return jsonBytes(images.map(({ config, repoTags, layers, layerSources }) => ({
    Config: config,
    RepoTags: repoTags.length > 0 ? repoTags : null,
    Layers: layers,
    ...(layerSources.size > 0 ? { LayerSources: Object.fromEntries(layerSources) } : {}),
  })));
}

/**
 * The image of this name, or the only one when no name is given.
 *
 * @throws {TarballError} when there is no such image, or a name is needed; it lists the names that there are.
 */
export function chooseImage(
  images: readonly TarballManifest[],
  tag: string | undefined,
  name: string,
): TarballManifest {
  if (tag === undefined) {
    if (images.length === 1) return images[0];
    throw new TarballError(`${name} holds ${images.length} images: ${listTags(images)}`, {
      hint: "choose one of them by its tag: FILE:TAG",
    });
  }
  const wanted = parseTag(tag).name;
  const [found, other] = images.filter(({ repoTags }) =>
    repoTags.some((repoTag) => repoTag === tag || fullName(repoTag) === wanted)
  );
  // The same image may be listed again.
  if (found && other && other.config !== found.config) {
    throw new TarballError(`${name} holds several images ${tag}`, { hint: "save each under a tag of its own" });
  }
  if (found) return found;
  throw new TarballError(`${name} holds no image ${tag}: ${listTags(images)}`, {
    hint: "choose one of its tags, or none when it holds a single image",
  });
}

function listTags(images: readonly TarballManifest[]): string {
  return `it has ${listed(images.flatMap(({ repoTags }) => repoTags.length > 0 ? repoTags : ["one without a tag"]))}`;
}

function parseImage(value: unknown, what: string): TarballManifest {
  if (typeof value !== "object" || value === null) throw new TarballError(`${what} is not an object`);
  const { Config: config, RepoTags: repoTags, Layers: layers, LayerSources: sources } = value as Record<
    string,
    unknown
  >;
  if (typeof config !== "string" || config === "") throw new TarballError(`${what} names no Config`);
  return {
    config,
    repoTags: parseNames(repoTags, `${what}: RepoTags`),
    layers: parseNames(layers, `${what}: Layers`),
    layerSources: parseSources(sources, `${what}: LayerSources`),
  };
}

function parseNames(value: unknown, what: string): string[] {
  const names = value ?? [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw new TarballError(`${what} is not a list of strings`);
}

function parseSources(value: unknown, what: string): Map<Hash, Descriptor> {
  const sources = new Map<Hash, Descriptor>();
  for (const [diffId, descriptor] of Object.entries(value ?? {})) {
    if (!isHash(diffId) || !isDescriptor(descriptor)) {
      throw new TarballError(`${what} is not a map from diff ids to descriptors`);
    }
    sources.set(diffId, descriptor);
  }
  return sources;
}

function lacksManifest(archive: Archive): TarballError {
  const hint = archive.has("index.json")
    ? archive.has("oci-layout")
      ? "it is an OCI image layout in a tar archive: read it with tarballContents"
      : "it has index.json, but not the file oci-layout of an OCI image layout: make the archive again"
    : archive.has("repositories")
    ? "it was saved by a Docker older than 1.10: load it into a newer one and save it again"
    : "make it with docker save, podman save, skopeo or gcrane pull";
  return new TarballError(`${archive.name} is not a tarball of images: it has no ${NAME}`, { hint });
}
