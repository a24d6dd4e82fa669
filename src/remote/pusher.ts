import { DigestMismatchError, GcraneError, HttpError, NetworkError } from "../errors.ts";
import { type AnyManifest, type Root, transfer, TransferState } from "../graph/mod.ts";
import { checkView, knownDigest } from "../image/internal.ts";
import type { Layer } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { parseReference, parseRepository, type Reference, type Repository } from "../name/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { discard } from "../transport/internal.ts";
import { nextLocation } from "./blob_transfer.ts";
import type { Client } from "./client.ts";
import { fetchManifest, findManifest } from "./manifest_fetch.ts";
import { type ManifestBytes, putManifest, type PutManifestOptions } from "./manifest_put.ts";
import { clientOf, nameOptions, type RemoteOptions } from "./options.ts";
import { removeReferrer, subjectOf } from "./referrers_write.ts";
import { RegistrySink } from "./registry_sink.ts";

/** Options of {@linkcode Pusher.delete}. */
export interface DeleteOptions extends AbortOptions {
  /**
   * The digest of the manifest's subject, `null` for none, if the caller knows it.
   *
   * @default read from the manifest
   */
  subject?: Hash | null;
}

/**
 * Writes to registries. A pusher shares its connections and tokens, and records what it has pushed: a blob is sent to a
 * repository once, even if several images contain it. Its methods take names as those of {@linkcode Puller} do.
 */
export class Pusher {
  /** Its client, which can be passed on as the option `client`. */
  readonly client: Client;
  readonly #options: RemoteOptions;
  readonly #state: TransferState;

  /** Creates a pusher; sends nothing before the first push. */
  constructor(options: RemoteOptions = {}) {
    this.client = clientOf(options);
    this.#options = options;
    this.#state = new TransferState({ jobs: options.jobs });
  }

  /**
   * Pushes an image, an index or another manifest with all its content, members first. Does not send what the
   * repository has, and sends nothing if the reference names the same manifest already. A layer that is not compressed
   * yet is compressed once, even if several images contain it.
   *
   * @param to a reference, or a `Repository` to push to by digest
   * @returns the digest of the manifest
   * @throws {DigestMismatchError} if the reference names another digest; nothing is sent if that is known before.
   */
  async push(to: Reference | Repository | string, view: AnyManifest, options: AbortOptions = {}): Promise<Hash> {
    const parsed = isRepository(to) ? to : parseReference(to, nameOptions(this.client));
    const [repository, names] = isRepository(parsed) ? [parsed, []] : [parsed.repository, namesOf(parsed)];
    checkView(view, "image", "index", "manifest");
    if (!isRepository(parsed)) checkDigest(parsed, await knownDigest(view, options));
    await this.#transfer(repository, { view, names }, options);
    const digest = await view.digest(options);
    if (!isRepository(parsed)) checkDigest(parsed, digest);
    return digest;
  }

  /** Pushes several images and indexes; shared content is sent once. */
  async pushMany(
    items: Iterable<readonly [Reference | Repository | string, AnyManifest]>,
    options: AbortOptions = {},
  ): Promise<Hash[]> {
    return await mapConcurrent(
      items,
      { concurrency: this.#state.jobs, signal: options.signal },
      ([to, view], signal) => this.push(to, view, { signal }),
    );
  }

  /** Pushes one blob to a repository. @returns its descriptor */
  async upload(repository: Repository | string, layer: Layer, options: AbortOptions = {}): Promise<Descriptor> {
    const parsed = parseRepository(repository, nameOptions(this.client));
    checkView(layer, "layer");
    await this.#transfer(parsed, { view: layer }, options);
    return await layer.descriptor(options);
  }

  /**
   * Pushes a manifest of any type under a tag or its digest; its content must be there (distribution-spec, "Pushing
   * Manifests"). Adds a manifest with a subject to the referrers list on registries without the referrers API.
   *
   * @returns its digest
   */
  async put(reference: Reference | string, manifest: ManifestBytes, options: PutManifestOptions = {}): Promise<Hash> {
    return await putManifest(this.client, parseReference(reference, nameOptions(this.client)), manifest, options);
  }

  /**
   * Returns the descriptor of a manifest, or `undefined` if there is none or reading it is not allowed. Sends one HEAD
   * request, and a GET request if the registry's answer lacks the media type, the digest or the size.
   */
  async find(reference: Reference | string, options: AbortOptions = {}): Promise<Descriptor | undefined> {
    return await findManifest(this.client, parseReference(reference, nameOptions(this.client)), options);
  }

  /** Points tags of the same repository, one or several, at the manifest of a reference. */
  async tag(
    reference: Reference | string,
    tags: string | readonly string[],
    options: AbortOptions = {},
  ): Promise<void> {
    const parsed = parseReference(reference, nameOptions(this.client));
    const targets = [tags].flat().map((tag) => parsed.repository.tag(tag));
    const { bytes, descriptor } = await fetchManifest(this.client, parsed, options);
    for (const target of targets) await this.put(target, { bytes, mediaType: descriptor.mediaType }, options);
  }

  /**
   * Deletes a manifest or a tag (distribution-spec, "Deleting"); some registries do not delete by tag. Removes a
   * manifest with a subject from the referrers list too, on registries without the referrers API.
   */
  async delete(reference: Reference | string, options: DeleteOptions = {}): Promise<void> {
    const parsed = parseReference(reference, nameOptions(this.client));
    const subject = options.subject === undefined ? await this.#subject(parsed, options) : options.subject;
    const { response } = await this.client.request(parsed.repository, {
      method: "DELETE",
      to: `/manifests/${parsed.identifier}`,
      access: "delete",
      expect: [200, 202, 204],
      signal: options.signal,
    });
    await discard(response);
    if (parsed.kind === "digest" && subject) {
      await removeReferrer(this.client, parsed.repository, { subject, digest: parsed.identifier }, options);
    }
  }

  /**
   * Opens and cancels an upload session to check the permission to push. @throws {HttpError} if the push is not
   * allowed.
   */
  async checkPush(repository: Repository | string, options: AbortOptions = {}): Promise<void> {
    await checkPush(this.client, parseRepository(repository, nameOptions(this.client)), options);
  }

  /**
   * Reads the subject of a manifest that is deleted by digest. Deleting a tag keeps its manifest, and an unreadable
   * manifest must remain deletable: both give `null`.
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
    const { allowNondistributable, onProgress, countsBytes } = this.#options;
    const sink = new RegistrySink(this.client, repository, { allowNondistributable });
    await transfer([root], sink, { state: this.#state, onProgress, countsBytes, signal });
  }
}

function isRepository(to: Reference | Repository | string): to is Repository {
  return Object(to).kind === "repository";
}

function namesOf({ kind, identifier }: Reference): readonly string[] {
  return kind === "tag" ? [identifier] : [];
}

/** Checks that a destination can name a manifest. @throws {DigestMismatchError} if it names another digest. */
export function checkDigest(to: Reference, digest: Hash | undefined): void {
  if (to.kind === "tag" || digest === undefined || digest === to.identifier) return;
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
  await giveUp(client, repository, nextLocation(answer, client), options);
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
