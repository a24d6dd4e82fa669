import { ManifestError, StoreError } from "../../errors.ts";
import { mentionedDigests } from "../../graph/internal.ts";
import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { type Hash, isHash } from "../../spec/mod.ts";
import { BlobClaims, FRESH_MS } from "./blob_claims.ts";
import { digestKey, keyDigests } from "../stores/store_key.ts";
import { decodeManifestRecord, encodeManifestRecord, type ManifestRecord } from "./manifest_record.ts";
import type { RegistryStore, StoredBlob, StoreListOptions } from "../stores/store.ts";

/** The number of records that are read at the same time. */
const CONCURRENCY = 16;

const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

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
 *
 * No segment of a repository's name starts with `_`, so these names can't conflict with it. A digest is written with `-`
 * in the place of `:`. Tags and referrers whose manifest is gone count as gone too.
 */
export class Repositories {
  /** The claims of servers that rely on blobs. */
  readonly claims: BlobClaims;
  readonly #store: RegistryStore;
  readonly #clock: () => number;

  /** Makes the repositories of a store; the clock gives milliseconds since 1970. */
  constructor(store: RegistryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
    this.claims = new BlobClaims(store, clock);
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
  async tag(name: string, tag: string, options?: AbortOptions): Promise<Hash | undefined> {
    const value = await this.#store.records.get(tagKey(name, tag), options);
    const digest = value && new TextDecoder().decode(value);
    return isHash(digest) ? digest : undefined;
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
    const put = async () => {
      await this.#store.records.put(key, encodeManifestRecord(record));
      if (record.subject) await this.#store.records.put(referrerKey(name, record.subject, digest), EMPTY);
    };
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
    if (!encoded) return false;
    const named = await namedDigests(encoded, digest).catch((error) => {
      if (error instanceof ManifestError) return this.blobDigests(name); // it may name any of them
      throw error;
    });
    await mapConcurrent(named, { concurrency: CONCURRENCY }, (digest) => this.claims.note(digest));
    if (!await this.#store.records.delete(manifestKey(name, digest))) return false;
    const manifest = await decodeManifestRecord(encoded, digest);
    if (manifest?.subject) await this.#store.records.delete(referrerKey(name, manifest.subject, digest));
    for (const [tag, target] of await this.tags(name)) {
      if (target === digest) await this.#store.records.delete(tagKey(name, tag));
    }
    return true;
  }

  /** Points a tag at a manifest that is there. */
  pointTag(name: string, tag: string, digest: Hash): Promise<void> {
    return this.#store.records.put(tagKey(name, tag), new TextEncoder().encode(digest));
  }

  /** Removes a tag and leaves the manifest; returns whether the tag was there. */
  deleteTag(name: string, tag: string): Promise<boolean> {
    return this.#store.records.delete(tagKey(name, tag));
  }

  /** Reads all tags, sorted, with the digests that they point at. Their manifests may be gone. */
  async tags(name: string, options: AbortOptions = {}): Promise<[tag: string, digest: Hash][]> {
    const { signal } = options;
    const targets = await mapConcurrent(
      await this.#store.records.list(`${path(name)}_tags/`, { signal }),
      { concurrency: CONCURRENCY, signal },
      async (tag, signal) => [tag, await this.tag(name, tag, { signal })] as const,
    );
    return targets.flatMap(([tag, digest]): [string, Hash][] => digest === undefined ? [] : [[tag, digest]]);
  }

  /** Lists the digests of all manifests. */
  async manifestDigests(name: string, options?: AbortOptions): Promise<Hash[]> {
    return keyDigests(await this.#store.records.list(`${path(name)}_manifests/`, options));
  }

  /** Lists the digests of the manifests whose subject is this one, sorted, those that follow `after`. */
  async referrerDigests(
    name: string,
    subject: Hash,
    options: AbortOptions & { after?: Hash } = {},
  ): Promise<Hash[]> {
    const { after, signal } = options;
    const directory = `${path(name)}_referrers/${digestKey(subject)}/`;
    return keyDigests(await this.#store.records.list(directory, { after: after && digestKey(after), signal }));
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
  linkBlob(name: string, digest: Hash): Promise<void> {
    return this.#store.records.put(blobKey(name, digest), EMPTY);
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
    return keyDigests(await this.#store.records.list(`${path(name)}_blobs/`, options));
  }

  /** Returns whether a repository holds a manifest. One that only has blobs is being pushed to, or has been emptied. */
  exists(name: string, options: AbortOptions = {}): Promise<boolean> {
    return this.#holds(name, "_manifests/", options);
  }

  /** Lists the names of the repositories directly below one, by their last segment, sorted. */
  async children(name: string, options?: AbortOptions): Promise<string[]> {
    return childNames(await this.#store.records.list(path(name), options));
  }

  /** Lists the names of the repositories that hold a manifest, sorted. */
  async names(options: StoreListOptions = {}): Promise<string[]> {
    const { limit = Infinity } = options;
    const names: string[] = [];
    const exists = (name: string) => this.exists(name, options);
    for await (const name of this.#walk("", { ...options, exists })) {
      if (names.length >= limit) break;
      names.push(name);
    }
    return names;
  }

  /** Lists the names of the repositories that hold a manifest or a blob, sorted, one by one. */
  eachName(options: AbortOptions = {}): AsyncIterable<string> {
    const exists = async (name: string) =>
      await this.exists(name, options) || await this.#holds(name, "_blobs/", options);
    return this.#walk("", { ...options, exists });
  }

  async #holds(name: string, directory: string, { signal }: AbortOptions): Promise<boolean> {
    return (await this.#store.records.list(path(name) + directory, { signal, limit: 1 })).length > 0;
  }

  /** Lists the names below a path in the order of whole names: `a`, `a-b`, `a/b`, though `a/` is one directory. */
  async *#walk(
    parent: string,
    options: AbortOptions & { after?: string; exists: (name: string) => Promise<boolean> },
  ): AsyncGenerator<string, void, unknown> {
    const { after = "", exists, signal } = options;
    const steps = (await this.children(parent, { signal })).flatMap((child) => [child, `${child}/`]).sort();
    for (const step of steps) {
      const name = parent === "" ? step : `${parent}/${step}`;
      if (name.endsWith("/")) {
        if (name > after || after.startsWith(name)) yield* this.#walk(name.slice(0, -1), options);
      } else if (name > after && await exists(name)) {
        yield name;
      }
    }
  }
}

/** Reads the digests that the manifest of a record names. @throws {ManifestError} if it can't be read. */
async function namedDigests(encoded: Bytes, digest: Hash): Promise<ReadonlySet<Hash>> {
  const record = await decodeManifestRecord(encoded, digest);
  if (!record) throw new ManifestError("its bytes are spoilt");
  return mentionedDigests(record.bytes);
}

function path(name: string): string {
  return name === "" ? "repositories/" : `repositories/${name}/`;
}

function manifestKey(name: string, digest: Hash): string {
  return `${path(name)}_manifests/${digestKey(digest)}`;
}

function tagKey(name: string, tag: string): string {
  return `${path(name)}_tags/${tag}`;
}

function blobKey(name: string, digest: Hash): string {
  return `${path(name)}_blobs/${digestKey(digest)}`;
}

function referrerKey(name: string, subject: Hash, digest: Hash): string {
  return `${path(name)}_referrers/${digestKey(subject)}/${digestKey(digest)}`;
}

function childNames(entries: readonly string[]): string[] {
  return entries.filter((entry) => !entry.startsWith("_")).map((entry) => entry.slice(0, -1)).sort();
}
