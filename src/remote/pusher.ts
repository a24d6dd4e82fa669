import { GcraneError } from "../errors.ts";
import { type AbortOptions, digestBytes, mapConcurrent } from "../io/mod.ts";
import type { Image, ImageIndex, Layer } from "../image/mod.ts";
import type { Reference, Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { BlobUploader } from "./blob_upload.ts";
import { RemoteClient } from "./client.ts";
import { fetchManifest, findManifest } from "./manifest_fetch.ts";
import { Puller } from "./puller.ts";
import { OnceByKey } from "./once.ts";
import { DEFAULT_JOBS, type ProgressOptions, type RemoteOptions } from "./options.ts";
import { addReferrer, removeReferrer, subjectOf } from "./referrers_write.ts";

/** A manifest of any type with its bytes, as it is put into a repository. */
export interface ManifestBytes {
  /** The bytes. */
  readonly bytes: Bytes;
  /** The media type. */
  readonly mediaType: string;
}

/** Options of {@linkcode Pusher.put}. */
export interface PutOptions extends AbortOptions {
  /**
   * When a manifest with a subject is put into the list of what refers to that, where the registry keeps none itself.
   * Before it is there itself, who is interrupted leaves an entry too many and not one too few.
   * @default "after"
   */
  referrers?: "before" | "after" | "never";
}

/** Options of {@linkcode Pusher.delete}. */
export interface DeleteOptions extends AbortOptions {
  /**
   * The digest that the manifest refers to, `null` for none, where the caller knows it.
   * @default read from the manifest
   */
  subject?: Hash | null;
}

/**
 * Writes to registries. One pusher keeps connections and tokens, and knows what it has put where: a blob goes into a
 * repository once, however many images hold it.
 */
export class Pusher {
  readonly #client: RemoteClient;
  readonly #blobs: BlobUploader;
  readonly #manifests = new OnceByKey();

  /** Makes it; nothing is sent before something is pushed. */
  constructor(options: RemoteOptions | { client: RemoteClient; blobs: BlobUploader } = {}) {
    const made = "client" in options ? options : undefined;
    this.#client = made?.client ?? new RemoteClient(options as RemoteOptions);
    this.#blobs = made?.blobs ?? new BlobUploader(this.#client);
  }

  /**
   * A pusher on the same connections and under the same bound, which remembers nothing of what this one has put where,
   * and tells somebody else of progress: for runs through many repositories, one for each.
   */
  fork(options: ProgressOptions = {}): Pusher {
    const client = this.#client.telling(options);
    return new Pusher({ client, blobs: this.#blobs.fork(client) });
  }

  /** Drops the tokens for a repository, which a run through many would gather. */
  forget(repository: Repository): void {
    this.#client.connection(repository.registry).forget(repository.repository);
  }

  /** A puller on the same connections, with the same tokens: for copies. */
  puller(): Puller {
    return new Puller(this.#client);
  }

  /**
   * Pushes an image or an index with all that it holds, members first; what the repository has is not sent. Nothing is
   * sent at all when the reference names the same manifest already. Layers that are not compressed yet are compressed
   * once, whatever number of images hold them.
   *
   * @param to a reference, or a repository to push to by digest
   * @returns the digest of the manifest
   */
  async push(to: Reference | Repository, view: Image | ImageIndex, options: AbortOptions = {}): Promise<Hash> {
    if ("identifier" in to) return await this.#pushAs(to, view, options);
    await this.#pushByDigest(to, view, options);
    return await view.digest(options);
  }

  async #pushAs(reference: Reference, view: Image | ImageIndex, options: AbortOptions): Promise<Hash> {
    if (await this.#isThere(reference, view, options)) return await view.digest(options);
    await this.#pushContent(reference.context, view, options);
    return await this.put(reference, await manifestOf(view, options), options);
  }

  /** Pushes several images and indexes; what they share is sent once. */
  async pushMany(
    items: Iterable<readonly [Reference | Repository, Image | ImageIndex]>,
    options: AbortOptions = {},
  ): Promise<Hash[]> {
    return await mapConcurrent(
      items,
      { concurrency: this.#jobs, signal: options.signal },
      ([to, view], signal) => this.push(to, view, { signal }),
    );
  }

  /** Puts one blob into a repository. @returns what it was: type, digest and size */
  async upload(repository: Repository, layer: Layer, options: AbortOptions = {}): Promise<Descriptor> {
    await this.#blobs.upload(repository, layer, options);
    return await layer.descriptor(options);
  }

  /**
   * Puts a manifest of any type under a tag or its digest; what it points at must be there (distribution-spec,
   * "Pushing Manifests"). A manifest with a subject is made findable on registries without the referrers API too.
   *
   * @returns its digest
   */
  async put(reference: Reference, manifest: ManifestBytes, options: PutOptions = {}): Promise<Hash> {
    const { bytes, mediaType } = manifest;
    const { referrers = "after" } = options;
    const digest = await digestBytes(bytes);
    const listed = () => addReferrer(this.#client, reference.context, { bytes, mediaType, digest }, options);
    if (referrers === "before") await listed();
    const { response } = await this.#client.request(reference.context, {
      method: "PUT",
      to: `/manifests/${reference.identifier}`,
      access: "push",
      expect: [200, 201, 202],
      headers: { "content-type": mediaType },
      body: bytes,
      signal: options.signal,
    });
    await discard(response);
    if (referrers === "after" && !response.headers.has("oci-subject")) await listed();
    return digest;
  }

  /** What is there under a reference; `undefined` when there is nothing or nobody may see it. One HEAD. */
  async find(reference: Reference, options: AbortOptions = {}): Promise<Descriptor | undefined> {
    return await findManifest(this.#client, reference, options);
  }

  /** Lets a tag of the same repository point at what a reference names. */
  async tag(reference: Reference, tag: string, options: AbortOptions = {}): Promise<void> {
    const { bytes, descriptor } = await fetchManifest(this.#client, reference, options);
    await this.put(reference.context.tag(tag), { bytes, mediaType: descriptor.mediaType }, options);
  }

  /**
   * Deletes what a reference names (distribution-spec, "Deleting"); not every registry deletes by tag. A manifest with
   * a subject also leaves the list of referrers that stands in for the API on registries without it.
   */
  async delete(reference: Reference, options: DeleteOptions = {}): Promise<void> {
    const subject = options.subject === undefined ? await this.#subject(reference, options) : options.subject;
    const { response } = await this.#client.request(reference.context, {
      method: "DELETE",
      to: `/manifests/${reference.identifier}`,
      access: "delete",
      expect: [200, 202, 204],
      signal: options.signal,
    });
    await discard(response);
    if (reference.kind === "digest" && subject) {
      await removeReferrer(this.#client, reference.context, { subject, digest: reference.identifier }, options);
    }
  }

  /** Whether this client may push to a repository: an upload is begun and given up. @throws {HttpError} when not. */
  async checkPush(repository: Repository, options: AbortOptions = {}): Promise<void> {
    await this.#blobs.tryUpload(repository, options);
  }

  get #jobs(): number {
    return this.#client.options.jobs ?? DEFAULT_JOBS;
  }

  /**
   * What the manifest under a digest refers to. A tag goes alone: its manifest stays. One that can't be read must
   * still be deletable.
   */
  async #subject(reference: Reference, options: AbortOptions): Promise<Hash | null> {
    if (reference.kind === "tag") return null;
    try {
      const { bytes } = await fetchManifest(this.#client, reference, { signal: options.signal, access: "delete" });
      return subjectOf(bytes) ?? null;
    } catch (error) {
      if (error instanceof GcraneError) return null;
      throw error;
    }
  }

  /** Whether the reference names this very manifest already. A view that must be read to be known is not asked. */
  async #isThere(reference: Reference, view: Image | ImageIndex, options: AbortOptions): Promise<boolean> {
    if (!await view.digestKnown(options)) return false;
    const there = await findManifest(this.#client, reference, options);
    return there !== undefined && there.digest === await view.digest(options);
  }

  async #pushContent(repository: Repository, view: Image | ImageIndex, options: AbortOptions): Promise<void> {
    if (view.kind === "image") return await this.#pushBlobs(repository, view, options);
    const pool = { concurrency: this.#jobs, signal: options.signal };
    // Not its children: for what the index says of them, their layers would be compressed now and again when sent.
    await mapConcurrent(new Set(await view.members(options)), pool, async (member, signal) => {
      if (member.kind === "layer") await this.#blobs.upload(repository, member, { signal });
      else await this.#pushByDigest(repository, member, { signal });
    });
  }

  async #pushBlobs(repository: Repository, image: Image, options: AbortOptions): Promise<void> {
    const layers = await image.layers(options);
    const upload = (blobs: readonly Layer[]) =>
      mapConcurrent(
        blobs,
        { concurrency: Math.max(blobs.length, 1), signal: options.signal },
        (blob, signal) => this.#blobs.upload(repository, blob, { signal }),
      );
    if (layers.every((layer) => layer.digestKnown())) {
      await upload([...layers, await image.configLayer(options)]);
      return;
    }
    // The config holds the diff ids, which are learnt as the layers are read: asked for now, it would read them first.
    await upload(layers);
    await upload([await image.configLayer(options)]);
  }

  /** A manifest goes under its digest once, for however many indexes hold it. */
  async #pushByDigest(repository: Repository, view: Image | ImageIndex, options: AbortOptions): Promise<void> {
    const reference = async () => repository.digest(await view.digest(options));
    if (!await view.digestKnown(options)) {
      await this.#pushContent(repository, view, options);
      await this.put(await reference(), await manifestOf(view, options), options);
      return;
    }
    const named = await reference();
    await this.#manifests.run(named.name, options, async () => void await this.#pushAs(named, view, options));
  }
}

async function manifestOf(view: Image | ImageIndex, options: AbortOptions): Promise<ManifestBytes> {
  return { bytes: await view.rawManifest(options), mediaType: await view.mediaType(options) };
}
