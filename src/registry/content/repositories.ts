import { ManifestError, StoreError } from "../../errors.ts";
import { mentionedDigests } from "../../graph/internal.ts";
import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { BlobClaims, FRESH_MS } from "./blob_claims.ts";
import { digestKey, keyDigests } from "../stores/store_key.ts";
import { Catalog } from "./catalog.ts";
import { decodeManifestRecord, encodeManifestRecord, type ManifestRecord } from "./manifest_record.ts";
import { Mentions } from "./mentions.ts";
import { EMPTY, RecordIndex } from "./record_index.ts";
import { blobKey, manifestKey, referrerKey, repositoryPath } from "./repository_keys.ts";
import { type ListedPage, RepositoryTags, type TagTarget } from "./repository_tags.ts";
import type { RegistryStore, StoredBlob, StoreListOptions } from "../stores/store.ts";

/** The number of records that are read at the same time. */
const CONCURRENCY = 16;

/** A manifest of a repository with its digest. */
export interface RepositoryManifest extends ManifestRecord {
  /** The digest that it was pushed as. */
  readonly digest: Hash;
}

/**
 * The content of repositories, as records of a store under `repositories/<name>/`:
 *
 * | Key | Value |
 * |---|---|
 * | `_manifests/<digest>` | the manifest with its facts |
 * | `_tags/<tag>` | the digest of a manifest |
 * | `_blobs/<digest>` | empty: the repository may serve this blob of the store |
 * | `_referrers/<subject>/<digest>` | empty: this manifest refers to that one |
 * | `_mentions/…` | what manifests mention: see {@linkcode Mentions} |
 * | `_tagged/<digest>.<tag>` | empty: an entry of the index of tags by manifest |
 * | `_indexed` | empty: that index is whole |
 *
 * Under `repositories/_catalog/` is an index of the repositories that hold a manifest, with `repositories/_indexed` once
 * it is whole. No segment of a repository's name starts with `_`, so these names can't conflict with it. A digest is
 * written with `-` in the place of `:`. Tags and referrers whose manifest is gone count as gone too.
 */
export class Repositories {
  /** The claims of servers that rely on blobs. */
  readonly claims: BlobClaims;
  /** The mentions of manifests. */
  readonly mentions: Mentions;
  readonly #store: RegistryStore;
  readonly #clock: () => number;
  readonly #index: RecordIndex;
  readonly #catalog: Catalog;
  readonly #tags: RepositoryTags;

  /**
   * Makes the repositories of a store; the clock gives milliseconds since 1970.
   *
   * @param options.readOnly whether reading writes no index that the store lacks
   */
  constructor(store: RegistryStore, clock: () => number, { readOnly = false }: { readOnly?: boolean } = {}) {
    this.#store = store;
    this.#clock = clock;
    this.claims = new BlobClaims(store, clock);
    this.mentions = new Mentions(store, clock);
    this.#index = new RecordIndex(store.records);
    this.#catalog = new Catalog(store.records, { index: this.#index, readOnly });
    this.#tags = new RepositoryTags(store.records, { index: this.#index, readOnly });
  }

  /** Reads a manifest, or `undefined`. */
  async manifest(name: string, digest: Hash, options?: AbortOptions): Promise<RepositoryManifest | undefined> {
    const encoded = await this.#store.records.get(manifestKey(name, digest), options);
    const record = encoded && await decodeManifestRecord(encoded, digest);
    return record && { ...record, digest };
  }

  /**
   * Reads the digests that a manifest names; none if there is no such manifest.
   *
   * @throws {StoreError} if the manifest can't be read, so that the digests are unknown.
   */
  async digestsNamedBy(name: string, digest: Hash, options?: AbortOptions): Promise<ReadonlySet<Hash>> {
    const encoded = await this.#store.records.get(manifestKey(name, digest), options);
    if (!encoded) return new Set();
    try {
      return await namedDigests(encoded, digest);
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new StoreError(`the digests in the manifest ${name}@${digest} can't be read: ${reason}`, {
        cause,
        hint: "push the image again, or delete the manifest",
      });
    }
  }

  /** Reads the digest that a tag points at, or `undefined`. */
  tag(name: string, tag: string, options?: AbortOptions): Promise<Hash | undefined> {
    return this.#tags.get(name, tag, options);
  }

  /**
   * Writes a manifest and points tags at it.
   *
   * @param options.claimed when its blobs were last found by {@linkcode reliedBlob}: the garbage collection spares them
   * for about as long as it takes to write a manifest
   */
  async putManifest(
    name: string,
    manifest: RepositoryManifest,
    options: { tags: readonly string[]; claimed: number },
  ): Promise<void> {
    const { digest, ...record } = manifest;
    const { tags, claimed } = options;
    const key = manifestKey(name, digest);
    const mentions = mentionedDigests(record.bytes);
    const write = () => this.#store.records.put(key, encodeManifestRecord(record));
    const put = async () => {
      await this.mentions.recordWith(name, { digest, mentions }, write);
      if (record.subject) await this.#store.records.put(referrerKey(name, record.subject, digest), EMPTY);
      await this.#catalog.add(name);
    };
    await this.#catalog.begin();
    await put();
    if (this.#clock() - claimed > FRESH_MS) {
      throw new StoreError(`the store took more than ${FRESH_MS / 1000} seconds to write the manifest ${digest}`, {
        hint: "push it again",
      });
    }
    for (const tag of tags) await this.pointTag(name, tag, digest);
    // If the same manifest was deleted meanwhile, the new tags must not be left without it.
    if (await this.#store.records.get(key) === undefined) await put();
  }

  /** Removes a manifest, its entry among the referrers and the tags that point at it; returns whether it was there. */
  async deleteManifest(name: string, digest: Hash): Promise<boolean> {
    const encoded = await this.#store.records.get(manifestKey(name, digest));
    if (encoded) await this.#tags.complete(name);
    const named = encoded ? await this.#mayBeNamed(name, digest, encoded) : [];
    await mapConcurrent(named, { concurrency: CONCURRENCY }, (digest) => this.claims.note(digest));
    const isRemoved = encoded !== undefined && await this.#store.records.delete(manifestKey(name, digest));
    if (encoded) await this.mentions.drop(name, { digest, mentions: named });
    const manifest = encoded && await decodeManifestRecord(encoded, digest);
    if (manifest?.subject) await this.#store.records.delete(referrerKey(name, manifest.subject, digest));
    await this.#tags.deleteOf(name, digest); // also of a manifest that is gone: an earlier deletion may have been cut off
    if (!await this.exists(name)) {
      await this.#catalog.remove(name);
      await this.#index.forget(repositoryPath(name));
    }
    return isRemoved;
  }

  /** Points a tag at a manifest that is there. */
  pointTag(name: string, tag: string, digest: Hash): Promise<void> {
    return this.#tags.point(name, tag, digest);
  }

  /** Removes a tag and leaves the manifest; returns whether the tag was there. */
  deleteTag(name: string, tag: string): Promise<boolean> {
    return this.#tags.delete(name, tag);
  }

  /** Lists tags, sorted, with the digests that they point at. Their manifests may be gone. */
  tags(name: string, options?: StoreListOptions): Promise<ListedPage<TagTarget>> {
    return this.#tags.page(name, options);
  }

  /**
   * Lists the manifests that no tag points at, sorted by digest. A page may have fewer than the limit, or none, although
   * another one follows.
   *
   * @param options.all all tags of the repository, if they are known
   */
  untagged(name: string, options: StoreListOptions & { all?: readonly TagTarget[] } = {}): Promise<ListedPage<Hash>> {
    return this.#tags.untagged(name, options);
  }

  /** Makes the entries of the index of tags those of the tags. */
  mendTags(name: string, options?: AbortOptions): Promise<void> {
    return this.#tags.mend(name, options);
  }

  /** Lists the digests of all manifests. */
  async manifestDigests(name: string, options?: AbortOptions): Promise<Hash[]> {
    return keyDigests(await this.#store.records.list(`${repositoryPath(name)}_manifests/`, options));
  }

  /** Lists the digests of the manifests whose subject is this one, sorted. */
  async referrers(name: string, subject: Hash, options: StoreListOptions = {}): Promise<ListedPage<Hash>> {
    const { after, limit = Infinity, signal } = options;
    const digests = keyDigests(
      await this.#store.records.list(`${repositoryPath(name)}_referrers/${digestKey(subject)}/`, {
        after: after?.replace(":", "-"),
        limit: limit + 1,
        signal,
      }),
    );
    const entries = digests.slice(0, limit);
    return { entries, ...(digests.length > limit && { next: entries.at(-1) }) };
  }

  /** Reads manifests and returns the result of `read` for each that is there. Several are read at the same time. */
  async readManifests<T>(
    name: string,
    options: { digests: Iterable<Hash>; read: (manifest: RepositoryManifest) => T; signal?: AbortSignal },
  ): Promise<T[]> {
    const { digests, read, signal } = options;
    const results = await mapConcurrent(digests, { concurrency: CONCURRENCY, signal }, async (digest, signal) => {
      const manifest = await this.manifest(name, digest, { signal });
      return manifest && { result: read(manifest) };
    });
    return results.flatMap((item) => item ? [item.result] : []);
  }

  /** Finds a blob that the repository may serve, or `undefined`. */
  async blob(name: string, digest: Hash, options?: AbortOptions): Promise<StoredBlob | undefined> {
    const [link, blob] = await Promise.all([
      this.#store.records.get(blobKey(name, digest), options),
      this.#store.blobs.get(digest, options),
    ]);
    return link && blob;
  }

  /**
   * Finds a blob as {@linkcode blob} does and claims it, for a client that relies on it: a HEAD answers that it need not be
   * uploaded, or a manifest names it. The garbage collection spares it for its grace.
   *
   * @param options.always whether to renew a claim that was made a moment ago
   */
  async reliedBlob(
    name: string,
    digest: Hash,
    options: AbortOptions & { always?: boolean } = {},
  ): Promise<StoredBlob | undefined> {
    const { always = false, signal } = options;
    const seen = await this.blob(name, digest, { signal });
    if (!seen) return undefined;
    if (!always && this.#clock() - await this.claims.lastClaim(digest, seen, { signal }) < FRESH_MS) return seen;
    await this.claims.claim(digest, { signal });
    return await this.blob(name, digest, { signal });
  }

  /** Links the blob that `finish` makes, such as that of an upload, to the repository. */
  async receiveBlob(name: string, digest: Hash, finish: () => Promise<unknown>): Promise<void> {
    await this.claims.claim(digest);
    await finish();
    await this.linkBlob(name, digest);
  }

  /** Links a blob of another repository, or of any for `undefined`, to a repository; returns whether it is there. */
  async mountBlob(name: string, digest: Hash, from: string | undefined): Promise<boolean> {
    const find = () => from === undefined ? this.#store.blobs.get(digest) : this.blob(from, digest);
    if (!await find()) return false;
    await this.claims.claim(digest);
    if (!await find()) return false;
    await this.linkBlob(name, digest);
    return true;
  }

  /** Links a blob of the store to the repository, which may then serve it. */
  async linkBlob(name: string, digest: Hash): Promise<void> {
    await this.#catalog.begin();
    await this.mentions.link(name, digest);
  }

  /**
   * Removes the link to a blob; returns whether there was one. The bytes stay in the store, where other repositories may
   * need them, until the garbage collection finds that none does.
   */
  unlinkBlob(name: string, digest: Hash): Promise<boolean> {
    return this.#store.records.delete(blobKey(name, digest));
  }

  /** Lists the digests of the blobs that are linked to the repository. The blobs may be gone. */
  async blobDigests(name: string, options?: AbortOptions): Promise<Hash[]> {
    return keyDigests(await this.#store.records.list(`${repositoryPath(name)}_blobs/`, options));
  }

  /** Returns whether a repository holds a manifest. One that only has blobs is being pushed to, or has been emptied. */
  exists(name: string, options?: AbortOptions): Promise<boolean> {
    return this.#catalog.exists(name, options);
  }

  /** Lists the last segments of the repositories directly below one that hold a manifest, or lead to one, sorted. */
  children(name: string, options?: AbortOptions): Promise<string[]> {
    return this.#catalog.children(name, options);
  }

  /** Lists the names of the repositories that hold a manifest, sorted. */
  names(options?: StoreListOptions): Promise<string[]> {
    return this.#catalog.names(options);
  }

  /** Lists the names of the repositories that hold a manifest or a blob, sorted, one by one, without an index. */
  eachName(options?: AbortOptions): AsyncIterable<string> {
    return this.#catalog.eachName(options);
  }

  /** Reads the digests that a manifest names; if it can't be read, those recorded, or all blobs of its repository. */
  async #mayBeNamed(name: string, digest: Hash, encoded: Bytes): Promise<Iterable<Hash>> {
    try {
      return await namedDigests(encoded, digest);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      const recorded = await this.mentions.read(name, digestKey(digest));
      return recorded?.mentions ?? await this.blobDigests(name);
    }
  }
}

/** Reads the digests that the manifest of a record names. @throws {ManifestError} if it can't be read. */
async function namedDigests(encoded: Bytes, digest: Hash): Promise<ReadonlySet<Hash>> {
  const record = await decodeManifestRecord(encoded, digest);
  if (!record) throw new ManifestError("its bytes are spoilt");
  return mentionedDigests(record.bytes);
}
