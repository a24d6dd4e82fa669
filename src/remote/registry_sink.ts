import { HttpError } from "../errors.ts";
import type { BlobNode, ContentSink, FoundManifest, ManifestNode, PutOptions } from "../graph/mod.ts";
import type { BlobOrigin } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { type Descriptor, hashAlgorithm, isDistributable } from "../spec/mod.ts";
import { discard } from "../transport/internal.ts";
import { hasBlob } from "./blob_fetch.ts";
import { BlobTransfer, nextLocation } from "./blob_transfer.ts";
import type { Client } from "./client.ts";
import { findDigest } from "./manifest_fetch.ts";
import { type ManifestBytes, putManifest, type ReferrersTime } from "./manifest_put.ts";

/** Options of {@linkcode RegistrySink}. */
export interface RegistrySinkOptions {
  /**
   * Whether to push layers that are marked as nondistributable.
   *
   * @default false
   */
  allowNondistributable?: boolean;
  /**
   * Returns the time at which a manifest with a subject is added to the subject's referrers list, on registries without
   * the referrers API.
   *
   * @default "after"
   */
  referrers?: (manifest: ManifestBytes) => ReferrersTime;
}

/** The number of names that are looked up at the same time. */
const CONCURRENCY = 4;

/** A repository of a registry as a sink. Its names are tags. */
export class RegistrySink implements ContentSink {
  readonly id: string;
  readonly vouches = true;
  readonly origin: BlobOrigin;
  readonly #client: Client;
  readonly #repository: Repository;
  readonly #options: RegistrySinkOptions;

  /** Creates a sink; sends nothing before the first call. */
  constructor(client: Client, repository: Repository, options: RegistrySinkOptions = {}) {
    this.#client = client;
    this.#repository = repository;
    this.#options = options;
    this.id = repository.name;
    this.origin = { registry: repository.registry.name, repository: repository.path };
  }

  /**
   * Returns whether the content can be read only once: it is hashed while it is sent. For other content it is worth
   * knowing the digest first, as the registry may hold it.
   */
  takesUnidentified({ content, mediaType }: BlobNode): boolean {
    return content.once && this.#isWanted(mediaType);
  }

  async hasBlob({ digest, mediaType }: Descriptor, options: AbortOptions): Promise<boolean> {
    if (!this.#isWanted(mediaType)) return true;
    return await hasBlob(this.#client, this.#repository, { digest, access: "push" }, options);
  }

  async hasManifest(
    { digest }: Pick<Descriptor, "digest">,
    { names, signal }: AbortOptions & { readonly names: readonly string[] },
  ): Promise<FoundManifest> {
    const repository = this.#repository;
    if (names.length === 0) {
      return {
        there: await findDigest(this.#client, repository.digest(digest), { signal }) !== undefined,
        unnamed: [],
      };
    }
    const pool = { concurrency: CONCURRENCY, signal };
    const found = await mapConcurrent(
      names,
      pool,
      (name, signal) => findDigest(this.#client, repository.tag(name), { signal }),
    );
    const unnamed = names.filter((_, index) => found[index] !== digest);
    return { there: unnamed.length < names.length, unnamed };
  }

  /** Mounts the blob from another repository of the registry, or sends it (distribution-spec, "Pushing blobs"). */
  async putBlob(blob: BlobNode, options: PutOptions): Promise<"done" | "mounted"> {
    const { descriptor, origins } = blob;
    const { registry, repository } = this.origin;
    const from = origins.find((origin) => origin.registry === registry && origin.repository !== repository);
    const session = descriptor && from ? await this.#mount(descriptor, from, options) : undefined;
    if (session === "mounted") return session;
    await new BlobTransfer(this.#client, this.#repository, blob, { ...options, session }).run();
    return "done";
  }

  async putManifest({ view, descriptor, names }: ManifestNode, { signal }: PutOptions): Promise<void> {
    const manifest = { bytes: await view.rawManifest({ signal }), mediaType: await view.mediaType({ signal }) };
    const repository = this.#repository;
    // A registry stores a manifest that is pushed by tag alone under its sha256.
    const byDigest = names.length === 0 || hashAlgorithm(descriptor.digest) !== "sha256";
    const references = [
      ...(byDigest ? [repository.digest(descriptor.digest)] : []),
      ...names.map((name) => repository.tag(name)),
    ];
    let referrers = this.#options.referrers?.(manifest);
    for (const reference of references) {
      await putManifest(this.#client, reference, manifest, { signal, referrers });
      referrers = "never";
    }
  }

  #isWanted(mediaType: string): boolean {
    return this.#options.allowNondistributable === true || isDistributable(mediaType);
  }

  /**
   * Requests a mount. If the registry does not mount the blob, it is sent, in the session that the registry may have
   * opened for that.
   */
  async #mount(
    { digest }: Descriptor,
    origin: BlobOrigin,
    { signal }: AbortOptions,
  ): Promise<"mounted" | URL | undefined> {
    const from = this.#repository.registry.repository(origin.repository);
    const query = new URLSearchParams({ mount: digest, from: from.path });
    try {
      const answer = await this.#client.request(this.#repository, {
        method: "POST",
        to: `/blobs/uploads/?${query}`,
        access: "push",
        from,
        expect: [201, 202],
        signal,
      });
      await discard(answer.response);
      return answer.response.status === 201 ? "mounted" : nextLocation(answer, this.#client);
    } catch (error) {
      if (error instanceof HttpError) return undefined;
      throw error;
    }
  }
}
