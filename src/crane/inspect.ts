import { UsageError } from "../errors.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type ConfigFile, type Descriptor, type Hash, isIndex } from "../spec/mod.ts";
import type { Reference, Registry, Repository } from "../name/mod.ts";
import type { ListOptions, TagsPage } from "../remote/mod.ts";
import { type CraneOptions, pullerOf, referenceOf, registryOf, repositoryOf } from "./options.ts";

/** The bytes of a manifest; with a platform, of the index's image for it. */
export async function manifest(reference: Reference | string, options: CraneOptions = {}): Promise<Bytes> {
  const found = await pullerOf(options).get(referenceOf(reference, options), options);
  if (!options.platform || !isIndex(found.descriptor.mediaType)) return found.bytes;
  return await (await found.image(options)).rawManifest(options);
}

/** The digest of what a reference names; with a platform, of the index's image for it. */
export async function digest(reference: Reference | string, options: CraneOptions = {}): Promise<Hash> {
  return await pullerOf(options).digest(referenceOf(reference, options), options);
}

/** What a reference names: media type, digest and size. */
export async function head(reference: Reference | string, options: CraneOptions = {}): Promise<Descriptor> {
  return await pullerOf(options).head(referenceOf(reference, options), options);
}

/** The bytes of an image's config file; of an index that of the image for the platform, linux/amd64 by default. */
export async function config(reference: Reference | string, options: CraneOptions = {}): Promise<Bytes> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  return await image.rawConfigFile(options);
}

/** An image's config file, read. */
export async function configFile(reference: Reference | string, options: CraneOptions = {}): Promise<ConfigFile> {
  const image = await pullerOf(options).image(referenceOf(reference, options), options);
  return await image.configFile(options);
}

/** The bytes of a blob, verified on the way. @throws {UsageError} when the reference has no digest. */
export async function blob(reference: Reference | string, options: CraneOptions = {}): Promise<ByteStream> {
  const parsed = referenceOf(reference, options);
  if (parsed.kind !== "digest") {
    throw new UsageError(`${reference} names no blob: a blob has a digest`, { hint: "write repository@sha256:…" });
  }
  const layer = await pullerOf(options).layer(parsed, options);
  return await layer.compressed(options);
}

/** The tags of a repository. */
export async function* list(
  repository: Repository | string,
  options: CraneOptions & ListOptions = {},
): AsyncIterable<string> {
  yield* pullerOf(options).tags(repositoryOf(repository, options), options);
}

/** The pages of a repository's tags, with all that Google's registries say in them. */
export async function* listPages(
  repository: Repository | string,
  options: CraneOptions & ListOptions = {},
): AsyncIterable<TagsPage> {
  yield* pullerOf(options).tagPages(repositoryOf(repository, options), options);
}

/** The repositories of a registry. */
export async function* catalog(
  registry: Registry | string,
  options: CraneOptions & ListOptions = {},
): AsyncIterable<string> {
  yield* pullerOf(options).catalog(registryOf(registry, options), options);
}
