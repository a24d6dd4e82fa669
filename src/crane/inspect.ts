import { UsageError } from "../errors.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type ConfigFile, type Descriptor, type Hash, isIndex } from "../spec/mod.ts";
import type { Reference, Registry, Repository } from "../name/mod.ts";
import type { ListOptions, TagsPage } from "../remote/mod.ts";
import { type CraneOptions, pullerOf, referenceOf, registryOf, repositoryOf } from "./options.ts";

/** Returns the bytes of a manifest, or with a platform those of the index's image for it. */
export async function manifest(reference: Reference | string, options: CraneOptions = {}): Promise<Bytes> {
  const found = await pullerOf(options).get(referenceOf(reference, options), options);
  if (!options.platform || !isIndex(found.descriptor.mediaType)) return found.bytes;
  return await (await found.image(options)).rawManifest(options);
}

/** Returns the digest of a manifest, or with a platform that of the index's image for it. */
export async function digest(reference: Reference | string, options: CraneOptions = {}): Promise<Hash> {
  return await pullerOf(options).digest(referenceOf(reference, options), options);
}

/** Returns the descriptor of a manifest: media type, digest and size. */
export async function head(reference: Reference | string, options: CraneOptions = {}): Promise<Descriptor> {
  return await pullerOf(options).head(referenceOf(reference, options), options);
}

/**
 * Returns the bytes of an image's config file; of an index that of the image for the platform, linux/amd64 by default.
 */
export async function config(reference: Reference | string, options: CraneOptions = {}): Promise<Bytes> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  return await image.rawConfigFile(options);
}

/** Returns the parsed config file of an image. */
export async function configFile(reference: Reference | string, options: CraneOptions = {}): Promise<ConfigFile> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  return await image.configFile(options);
}

/** Opens a blob as a verified stream. @throws {UsageError} if the reference has no digest. */
export async function blob(reference: Reference | string, options: CraneOptions = {}): Promise<ByteStream> {
  const parsed = referenceOf(reference, options);
  if (parsed.kind !== "digest") {
    throw new UsageError(`${reference} names no blob: a blob has a digest`, { hint: "write repository@sha256:…" });
  }
  const layer = await pullerOf(options).layer(parsed, options);
  return await layer.compressed(options);
}

/** Yields the tags of a repository. */
export async function* list(
  repository: Repository | string,
  options: CraneOptions & ListOptions = {},
): AsyncIterable<string> {
  yield* pullerOf(options).tags(repositoryOf(repository, options), options);
}

/** Yields the pages of a repository's tags, with the additional data of Google's registries. */
export async function* listPages(
  repository: Repository | string,
  options: CraneOptions & ListOptions = {},
): AsyncIterable<TagsPage> {
  yield* pullerOf(options).tagPages(repositoryOf(repository, options), options);
}

/** Yields the repositories of a registry. */
export async function* catalog(
  registry: Registry | string,
  options: CraneOptions & ListOptions = {},
): AsyncIterable<string> {
  yield* pullerOf(options).catalog(registryOf(registry, options), options);
}
