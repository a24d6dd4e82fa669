import { DigestMismatchError, GcraneError, HttpError, NetworkError } from "../errors.ts";
import { type AnyManifest, type Root, transfer, TransferState } from "../graph/mod.ts";
import { knownDigest, type Layer } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import type { Reference, Repository } from "../name/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { nextLocation } from "./blob_transfer.ts";
import type { Client } from "./client.ts";
import { fetchManifest, findManifest } from "./manifest_fetch.ts";
import { type ManifestBytes, putManifest, type PutManifestOptions } from "./manifest_put.ts";
import { clientOf, type RemoteOptions } from "./options.ts";
import { removeReferrer, subjectOf } from "./referrers_write.ts";
import { RegistrySink } from "./registry_sink.ts";

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
  /** The connections that it uses, to be passed on as the option `client`. */
  readonly client: Client;
  readonly #options: RemoteOptions;
  readonly #state: TransferState;

  /** Makes it; nothing is sent before something is pushed. */
  constructor(options: RemoteOptions = {}) {
    this.client = clientOf(options);
    this.#options = options;
    this.#state = new TransferState({ jobs: options.jobs });
  }

  /**
   * Pushes an image, an index or another manifest with all that it holds, members first; what the repository has is not
   * sent. Nothing is sent at all when the reference names the same manifest already. Layers that are not compressed yet
   * are compressed once, whatever number of images hold them.
   *
   * @param to a reference, or a repository to push to by digest
   * @returns the digest of the manifest
   * @throws {DigestMismatchError} when the reference names another digest; nothing is sent then.
   */
  async push(to: Reference | Repository, view: AnyManifest, options: AbortOptions = {}): Promise<Hash> {
    const [repository, names] = "identifier" in to ? [to.context, namesOf(to)] : [to, []];
    if ("identifier" in to && to.kind === "digest") await checkDigest(to, view, options);
    await this.#transfer(repository, { view, names }, options);
    return await view.digest(options);
  }

  /** Pushes several images and indexes; what they share is sent once. */
  async pushMany(
    items: Iterable<readonly [Reference | Repository, AnyManifest]>,
    options: AbortOptions = {},
  ): Promise<Hash[]> {
    return await mapConcurrent(
      items,
      { concurrency: this.#state.jobs, signal: options.signal },
      ([to, view], signal) => this.push(to, view, { signal }),
    );
  }

  /** Puts one blob into a repository. @returns what it was: type, digest and size */
  async upload(repository: Repository, layer: Layer, options: AbortOptions = {}): Promise<Descriptor> {
    await this.#transfer(repository, { view: layer }, options);
    return await layer.descriptor(options);
  }

  /**
   * Puts a manifest of any type under a tag or its digest; what it points at must be there (distribution-spec,
   * "Pushing Manifests"). A manifest with a subject is made findable on registries without the referrers API too.
   *
   * @returns its digest
   */
  async put(reference: Reference, manifest: ManifestBytes, options: PutManifestOptions = {}): Promise<Hash> {
    return await putManifest(this.client, reference, manifest, options);
  }

  /** What is there under a reference; `undefined` when there is nothing or nobody may see it. One HEAD. */
  async find(reference: Reference, options: AbortOptions = {}): Promise<Descriptor | undefined> {
    return await findManifest(this.client, reference, options);
  }

  /** Lets a tag of the same repository point at what a reference names. */
  async tag(reference: Reference, tag: string, options: AbortOptions = {}): Promise<void> {
    const { bytes, descriptor } = await fetchManifest(this.client, reference, options);
    await this.put(reference.context.tag(tag), { bytes, mediaType: descriptor.mediaType }, options);
  }

  /**
   * Deletes what a reference names (distribution-spec, "Deleting"); not every registry deletes by tag. A manifest with
   * a subject also leaves the list of referrers that stands in for the API on registries without it.
   */
  async delete(reference: Reference, options: DeleteOptions = {}): Promise<void> {
    const subject = options.subject === undefined ? await this.#subject(reference, options) : options.subject;
    const { response } = await this.client.request(reference.context, {
      method: "DELETE",
      to: `/manifests/${reference.identifier}`,
      access: "delete",
      expect: [200, 202, 204],
      signal: options.signal,
    });
    await discard(response);
    if (reference.kind === "digest" && subject) {
      await removeReferrer(this.client, reference.context, { subject, digest: reference.identifier }, options);
    }
  }

  /** Whether this client may push to a repository: an upload is begun and given up. @throws {HttpError} when not. */
  async checkPush(repository: Repository, options: AbortOptions = {}): Promise<void> {
    await checkPush(this.client, repository, options);
  }

  /**
   * What the manifest under a digest refers to. A tag goes alone: its manifest stays. One that can't be read must
   * still be deletable.
   */
  async #subject(reference: Reference, options: AbortOptions): Promise<Hash | null> {
    if (reference.kind === "tag") return null;
    try {
      const { bytes } = await fetchManifest(this.client, reference, { signal: options.signal, access: "delete" });
      return subjectOf(bytes) ?? null;
    } catch (error) {
      if (error instanceof GcraneError) return null;
      throw error;
    }
  }

  async #transfer(repository: Repository, root: Root, { signal }: AbortOptions): Promise<void> {
    const { allowNondistributable, onProgress } = this.#options;
    const sink = new RegistrySink(this.client, repository, { allowNondistributable });
    await transfer([root], sink, { state: this.#state, onProgress, signal });
  }
}

function namesOf({ kind, identifier }: Reference): readonly string[] {
  return kind === "tag" ? [identifier] : [];
}

async function checkDigest(to: Reference, view: AnyManifest, options: AbortOptions): Promise<void> {
  const digest = await knownDigest(view, options);
  if (digest === undefined || digest === to.identifier) return;
  throw new DigestMismatchError(`${to} can't name a manifest with the digest ${digest}`, {
    hint: "name a tag, or the repository alone to push by digest",
  });
}

/**
 * Opens and cancels an upload session to check the permission to push. @throws {HttpError} if the push is not allowed.
 */
async function checkPush(client: Client, repository: Repository, options: AbortOptions = {}): Promise<void> {
  const answer = await client.request(repository, {
    method: "POST",
    to: "/blobs/uploads/",
    access: "push",
    expect: [202],
    signal: options.signal,
  });
  await discard(answer.response);
  await giveUp(client, repository, nextLocation(answer), options);
}

/** Cancels an upload session. The distribution-spec does not require that a registry supports this. */
async function giveUp(client: Client, repository: Repository, to: URL, { signal }: AbortOptions): Promise<void> {
  try {
    const { response } = await client.request(repository, {
      method: "DELETE",
      to,
      access: "push",
      expect: [200, 202, 204],
      repeatable: false,
      signal,
    });
    await discard(response);
  } catch (error) {
    if (!(error instanceof HttpError || error instanceof NetworkError)) throw error;
  }
}
