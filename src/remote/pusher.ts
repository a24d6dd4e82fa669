import { DigestMismatchError, GcraneError } from "../errors.ts";
import { type AnyManifest, type Root, transfer, TransferState } from "../graph/mod.ts";
import { checkView, knownDigest, type Layer } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { parseReference, parseRepository, type Reference, type Repository } from "../name/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { checkPush } from "./check_push.ts";
import type { Client } from "./client.ts";
import { fetchManifest, findManifest } from "./manifest_fetch.ts";
import { type ManifestBytes, putManifest, type PutManifestOptions } from "./manifest_put.ts";
import { clientOf, nameOptions, type RemoteOptions } from "./options.ts";
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
 * repository once, however many images hold it. Names are taken as by {@linkcode Puller}.
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
   * @param to a reference, as which a string is read, or a {@linkcode Repository} to push to by digest
   * @returns the digest of the manifest
   * @throws {DigestMismatchError} when the reference names another digest; nothing is sent then.
   */
  async push(to: Reference | Repository | string, view: AnyManifest, options: AbortOptions = {}): Promise<Hash> {
    const parsed = isRepository(to) ? to : parseReference(to, nameOptions(this.client));
    const [repository, names] = isRepository(parsed) ? [parsed, []] : [parsed.repository, namesOf(parsed)];
    checkView(view, "image", "index", "manifest");
    if (parsed.kind === "digest") await checkDigest(parsed, view, options);
    await this.#transfer(repository, { view, names }, options);
    return await view.digest(options);
  }

  /** Pushes several images and indexes; what they share is sent once. */
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

  /** Puts one blob into a repository. @returns what it was: type, digest and size */
  async upload(repository: Repository | string, layer: Layer, options: AbortOptions = {}): Promise<Descriptor> {
    const parsed = parseRepository(repository, nameOptions(this.client));
    checkView(layer, "layer");
    await this.#transfer(parsed, { view: layer }, options);
    return await layer.descriptor(options);
  }

  /**
   * Puts a manifest of any type under a tag or its digest; what it points at must be there (distribution-spec,
   * "Pushing Manifests"). A manifest with a subject is made findable on registries without the referrers API too.
   *
   * @returns its digest
   */
  async put(reference: Reference | string, manifest: ManifestBytes, options: PutManifestOptions = {}): Promise<Hash> {
    return await putManifest(this.client, parseReference(reference, nameOptions(this.client)), manifest, options);
  }

  /** What is there under a reference; `undefined` when there is nothing or it may not be seen. One HEAD, and a GET where the answer says too little. */
  async find(reference: Reference | string, options: AbortOptions = {}): Promise<Descriptor | undefined> {
    return await findManifest(this.client, parseReference(reference, nameOptions(this.client)), options);
  }

  /** Lets a tag of the same repository point at what a reference names. */
  async tag(reference: Reference | string, tag: string, options: AbortOptions = {}): Promise<void> {
    const parsed = parseReference(reference, nameOptions(this.client));
    const { bytes, descriptor } = await fetchManifest(this.client, parsed, options);
    await this.put(parsed.repository.tag(tag), { bytes, mediaType: descriptor.mediaType }, options);
  }

  /**
   * Deletes what a reference names (distribution-spec, "Deleting"); not every registry deletes by tag. A manifest with
   * a subject also leaves the list of referrers that stands in for the API on registries without it.
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

  /** Whether this client may push to a repository: an upload is begun and given up. @throws {HttpError} when not. */
  async checkPush(repository: Repository | string, options: AbortOptions = {}): Promise<void> {
    await checkPush(this.client, parseRepository(repository, nameOptions(this.client)), options);
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

function isRepository(to: Reference | Repository | string): to is Repository {
  return Object(to).kind === "repository";
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
