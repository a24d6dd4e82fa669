import { ManifestError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { AnyManifest } from "../graph/mod.ts";
import type { Image, ImageIndex, Layer, ProgressListener } from "../image/mod.ts";
import {
  type DigestReference,
  parseDigest,
  parseReference,
  parseRegistry,
  parseRepository,
  type Reference,
  type Registry,
  type Repository,
} from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type Descriptor, isIndex, isSchema1 } from "../spec/mod.ts";
import { headBlob } from "./blob_fetch.ts";
import type { Client } from "./client.ts";
import { type CatalogPage, catalogPages, type ListOptions, tagPages, type TagsPage } from "./listing.ts";
import { type FetchedManifest, fetchManifest, headManifest } from "./manifest_fetch.ts";
import { oneImage } from "./one_image.ts";
import { clientOf, nameOptions, type PlatformOptions, type RemoteOptions } from "./options.ts";
import { fetchReferrers, type ReferrersOptions } from "./referrers.ts";
import { schema1Image } from "./schema1_image.ts";
import { anyView, remoteLayer, type ViewContext, viewOf } from "./views.ts";

/** A manifest of any type from a registry, and the views of it. */
export class RemoteManifest {
  /** The reference of the manifest. */
  readonly reference: Reference;
  /** Its media type, digest and size. */
  readonly descriptor: Descriptor;
  /** Its unchanged bytes. */
  readonly bytes: Bytes;
  readonly #context: ViewContext;

  /** Creates an instance from a manifest that was read. */
  constructor(context: ViewContext, reference: Reference, fetched: FetchedManifest) {
    this.#context = context;
    this.reference = reference;
    this.descriptor = fetched.descriptor;
    this.bytes = fetched.bytes;
  }

  /** Returns the image or the index. @throws {ManifestError} for schema 1, which has no such view. */
  view(): Image | ImageIndex {
    if (isSchema1(this.descriptor.mediaType)) {
      throw new ManifestError(`${this.reference} is a schema 1 manifest, which can be copied but not opened`, {
        hint: "push the image again with a builder of this decade",
      });
    }
    return viewOf(this.#context, this, `${this.reference}`);
  }

  /** Returns the image of a schema 1 manifest, converted to schema 2. @throws {ManifestError} if it is damaged. */
  schema1Image(): Image {
    return schema1Image(this.#context, this, `${this.reference}`);
  }

  /** Returns a view of a manifest of any type, to be copied as it is. */
  anyView(): AnyManifest {
    return anyView(this.#context, this, `${this.reference}`);
  }

  /** Returns the image, or the index's image for a platform. @throws {NotFoundError} if the index has none for it. */
  async image(options: PlatformOptions = {}): Promise<Image> {
    return await oneImage(this.view(), options);
  }

  /** Returns the index. @throws {ManifestError} if the manifest is an image. */
  index(): ImageIndex {
    const view = this.view();
    if (view.kind === "index") return view;
    throw new ManifestError(`${this.reference} is not an index but ${this.descriptor.mediaType}`);
  }
}

/**
 * Reads from registries. A puller shares its connections, tokens and pings between its requests.
 *
 * Its methods take a reference, a repository or a registry as a string too, and parse it. They throw a
 * {@linkcode NameError} if the string is not valid, and a `TypeError` for an argument of another kind.
 */
export class Puller {
  /** Its client, which can be passed on as the option `client`. */
  readonly client: Client;
  readonly #onReadProgress: ProgressListener | undefined;

  /** Creates a puller; sends nothing before the first request. */
  constructor(options: RemoteOptions = {}) {
    this.client = clientOf(options);
    this.#onReadProgress = options.onReadProgress;
  }

  /** Reads a manifest of any type. */
  async get(reference: Reference | string, options: AbortOptions = {}): Promise<RemoteManifest> {
    const parsed = parseReference(reference, nameOptions(this.client));
    const fetched = await fetchManifest(this.client, parsed, options);
    return new RemoteManifest(this.#contextOf(parsed.repository), parsed, fetched);
  }

  /** Reads the descriptor of a manifest, without the manifest if the registry allows that. */
  async head(reference: Reference | string, options: AbortOptions = {}): Promise<Descriptor> {
    return await headManifest(this.client, parseReference(reference, nameOptions(this.client)), options);
  }

  /** Reads the digest of a manifest, or with a platform that of the index's image for it. */
  async digest(reference: Reference | string, options: PlatformOptions = {}): Promise<Descriptor["digest"]> {
    if (!options.platform) return (await this.head(reference, options)).digest;
    const manifest = await this.get(reference, options);
    if (!isIndex(manifest.descriptor.mediaType)) return manifest.descriptor.digest;
    return await (await manifest.image(options)).digest(options);
  }

  /** Reads an image, or an index's image for the platform. */
  async image(reference: Reference | string, options: PlatformOptions = {}): Promise<Image> {
    return await (await this.get(reference, options)).image(options);
  }

  /** Reads an index. @throws {ManifestError} if the reference names an image. */
  async index(reference: Reference | string, options: AbortOptions = {}): Promise<ImageIndex> {
    return (await this.get(reference, options)).index();
  }

  /** Returns a layer, or any other blob, by its digest; requests its size. */
  async layer(reference: DigestReference | string, options: AbortOptions = {}): Promise<Layer> {
    const { repository, identifier: digest } = parseDigest(reference, nameOptions(this.client));
    const { size } = await headBlob(this.client, repository, digest, options);
    const descriptor = { mediaType: "application/octet-stream", digest, size };
    return remoteLayer(this.#contextOf(repository), descriptor);
  }

  /** Yields the pages of a repository's tags; those of Google's registries contain more than tags. */
  tagPages(repository: Repository | string, options: ListOptions = {}): AsyncIterable<TagsPage> {
    return tagPages(this.client, parseRepository(repository, nameOptions(this.client)), options);
  }

  /** Yields the tags of a repository, in the registry's order. */
  async *tags(repository: Repository | string, options: ListOptions = {}): AsyncIterable<string> {
    for await (const page of this.tagPages(repository, options)) yield* page.tags;
  }

  /** Yields the pages of a registry's repositories. */
  catalogPages(registry: Registry | string, options: ListOptions = {}): AsyncIterable<CatalogPage> {
    return catalogPages(this.client, parseRegistry(registry, nameOptions(this.client)), options);
  }

  /** Yields the repositories of a registry, in its order. */
  async *catalog(registry: Registry | string, options: ListOptions = {}): AsyncIterable<string> {
    for await (const page of this.catalogPages(registry, options)) yield* page.repositories;
  }

  /** Reads the referrers of a manifest (signatures, SBOMs, …) as an index, which is empty if there are none. */
  async referrers(reference: DigestReference | string, options: ReferrersOptions = {}): Promise<ImageIndex> {
    const parsed = parseDigest(reference, nameOptions(this.client));
    const fetched = await fetchReferrers(this.client, parsed, options);
    return viewOf(this.#contextOf(parsed.repository), fetched, `the referrers of ${parsed}`) as ImageIndex;
  }

  #contextOf(repository: Repository): ViewContext {
    return { client: this.client, repository, onReadProgress: this.#onReadProgress };
  }
}
