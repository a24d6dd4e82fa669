import { ManifestError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { AnyManifest } from "../graph/mod.ts";
import { type Image, type ImageIndex, type Layer, type ProgressListener, selectImage } from "../image/mod.ts";
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
import { clientOf, nameOptions, type PlatformOptions, type RemoteOptions, wantedPlatform } from "./options.ts";
import { fetchReferrers, type ReferrersOptions } from "./referrers.ts";
import { anyView, remoteLayer, type ViewContext, viewOf } from "./views.ts";

/** A manifest that was fetched, of whatever type, and the views of it. */
export class RemoteManifest {
  /** The reference that it was fetched by. */
  readonly reference: Reference;
  /** What it is: media type, digest, size. */
  readonly descriptor: Descriptor;
  /** Its bytes, verbatim. */
  readonly bytes: Bytes;
  readonly #context: ViewContext;

  /** Takes what was fetched. */
  constructor(context: ViewContext, reference: Reference, fetched: FetchedManifest) {
    this.#context = context;
    this.reference = reference;
    this.descriptor = fetched.descriptor;
    this.bytes = fetched.bytes;
  }

  /** The image or the index. @throws {ManifestError} for schema 1, which holds neither. */
  view(): Image | ImageIndex {
    if (isSchema1(this.descriptor.mediaType)) {
      throw new ManifestError(`${this.reference} is a schema 1 manifest, which can be copied but not opened`, {
        hint: "push the image again with a builder of this decade",
      });
    }
    return viewOf(this.#context, this, `${this.reference}`);
  }

  /** The view of the manifest whatever it is, to be copied as it is. */
  anyView(): AnyManifest {
    return anyView(this.#context, this, `${this.reference}`);
  }

  /** The image, or the index's image for a platform. @throws {NotFoundError} when the index has none for it. */
  async image(options: PlatformOptions = {}): Promise<Image> {
    const view = this.view();
    return view.kind === "image" ? view : await selectImage(view, wantedPlatform(options), options);
  }

  /** The index. @throws {ManifestError} when it is an image. */
  index(): ImageIndex {
    const view = this.view();
    if (view.kind === "index") return view;
    throw new ManifestError(`${this.reference} is not an index but ${this.descriptor.mediaType}`);
  }
}

/**
 * Reads from registries. One puller keeps connections, tokens and pings for all that it is asked.
 *
 * Where a reference, a repository or a registry is taken, a string is parsed as one. A string that is no such name is a
 * {@linkcode NameError}, and an argument of another kind a `TypeError`.
 */
export class Puller {
  /** The connections that it uses, to be passed on as the option `client`. */
  readonly client: Client;
  readonly #onReadProgress: ProgressListener | undefined;

  /** Makes it; nothing is sent before something is asked for. */
  constructor(options: RemoteOptions = {}) {
    this.client = clientOf(options);
    this.#onReadProgress = options.onReadProgress;
  }

  /** A manifest of any type. */
  async get(reference: Reference | string, options: AbortOptions = {}): Promise<RemoteManifest> {
    const parsed = parseReference(reference, nameOptions(this.client));
    const fetched = await fetchManifest(this.client, parsed, options);
    return new RemoteManifest(this.#contextOf(parsed.repository), parsed, fetched);
  }

  /** What a manifest is, without getting it where the registry allows that. */
  async head(reference: Reference | string, options: AbortOptions = {}): Promise<Descriptor> {
    return await headManifest(this.client, parseReference(reference, nameOptions(this.client)), options);
  }

  /**
   * The digest of what a reference names: the manifest's own, or with a platform that of the index's image for it.
   */
  async digest(reference: Reference | string, options: PlatformOptions = {}): Promise<Descriptor["digest"]> {
    if (!options.platform) return (await this.head(reference, options)).digest;
    const manifest = await this.get(reference, options);
    if (!isIndex(manifest.descriptor.mediaType)) return manifest.descriptor.digest;
    return await (await manifest.image(options)).digest(options);
  }

  /** An image; of an index the one for the platform. */
  async image(reference: Reference | string, options: PlatformOptions = {}): Promise<Image> {
    return await (await this.get(reference, options)).image(options);
  }

  /** An index. @throws {ManifestError} when the reference names an image. */
  async index(reference: Reference | string, options: AbortOptions = {}): Promise<ImageIndex> {
    return (await this.get(reference, options)).index();
  }

  /** A layer or any other blob by its digest; its size is asked for. */
  async layer(reference: DigestReference | string, options: AbortOptions = {}): Promise<Layer> {
    const { repository, identifier: digest } = parseDigest(reference, nameOptions(this.client));
    const { size } = await headBlob(this.client, repository, digest, options);
    const descriptor = { mediaType: "application/octet-stream", digest, size };
    return remoteLayer(this.#contextOf(repository), descriptor);
  }

  /** The tags of a repository, page by page; a page of Google's registries says more than tags. */
  tagPages(repository: Repository | string, options: ListOptions = {}): AsyncIterable<TagsPage> {
    return tagPages(this.client, parseRepository(repository, nameOptions(this.client)), options);
  }

  /** The tags of a repository, in the registry's order. */
  async *tags(repository: Repository | string, options: ListOptions = {}): AsyncIterable<string> {
    for await (const page of this.tagPages(repository, options)) yield* page.tags;
  }

  /** The repositories of a registry, page by page. */
  catalogPages(registry: Registry | string, options: ListOptions = {}): AsyncIterable<CatalogPage> {
    return catalogPages(this.client, parseRegistry(registry, nameOptions(this.client)), options);
  }

  /** The repositories of a registry, in its order. */
  async *catalog(registry: Registry | string, options: ListOptions = {}): AsyncIterable<string> {
    for await (const page of this.catalogPages(registry, options)) yield* page.repositories;
  }

  /** What refers to a manifest (signatures, SBOMs, …), as an index; empty when there is nothing. */
  async referrers(reference: DigestReference | string, options: ReferrersOptions = {}): Promise<ImageIndex> {
    const parsed = parseDigest(reference, nameOptions(this.client));
    const fetched = await fetchReferrers(this.client, parsed, options);
    return viewOf(this.#contextOf(parsed.repository), fetched, `the referrers of ${parsed}`) as ImageIndex;
  }

  #contextOf(repository: Repository): ViewContext {
    return { client: this.client, repository, onReadProgress: this.#onReadProgress };
  }
}
