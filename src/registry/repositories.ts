import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { type Hash, isHash } from "../spec/mod.ts";
import { decodeManifestRecord, encodeManifestRecord, type ManifestRecord } from "./manifest_record.ts";
import type { RegistryStore, StoredBlob, StoreListOptions } from "./store.ts";

/** How many records of a repository are read at the same time. */
const CONCURRENCY = 16;

const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** A manifest of a repository with its digest. */
export interface RepositoryManifest extends ManifestRecord {
  /** The digest that it was pushed as. */
  readonly digest: Hash;
}

/**
 * What repositories hold, as records of a store under `repositories/<name>/`:
 *
 * | Key | Value |
 * |---|---|
 * | `_manifests/<digest>` | the manifest and what was noted of it |
 * | `_tags/<tag>` | the digest of a manifest |
 * | `_blobs/<digest>` | nothing: the repository may serve this blob of the store |
 * | `_referrers/<subject>/<digest>` | nothing: this manifest refers to that one |
 *
 * No segment of a repository's name starts with `_`, so names can't get into each other's way. A digest is written with
 * `-` in the place of `:`. Tags and referrers whose manifest is gone count as gone too.
 */
export class Repositories {
  readonly #store: RegistryStore;

  /** Makes it over a store. */
  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** A manifest, or `undefined`. */
  async manifest(name: string, digest: Hash, options?: AbortOptions): Promise<RepositoryManifest | undefined> {
    const encoded = await this.#store.get(manifestKey(name, digest), options);
    const record = encoded && await decodeManifestRecord(encoded, digest);
    return record && { ...record, digest };
  }

  /** The digest that a tag points at, or `undefined`. */
  async tag(name: string, tag: string, options?: AbortOptions): Promise<Hash | undefined> {
    const value = await this.#store.get(tagKey(name, tag), options);
    const digest = value && new TextDecoder().decode(value);
    return isHash(digest) ? digest : undefined;
  }

  /** Keeps a manifest and points tags at it. */
  async putManifest(name: string, manifest: RepositoryManifest, tags: readonly string[]): Promise<void> {
    const { digest, ...record } = manifest;
    const key = manifestKey(name, digest);
    const put = async () => {
      await this.#store.put(key, encodeManifestRecord(record));
      if (record.subject) await this.#store.put(referrerKey(name, record.subject, digest), EMPTY);
    };
    await put();
    for (const tag of tags) await this.pointTag(name, tag, digest);
    // A removal of the same manifest may have come between, and the new tags must not be left without it.
    if (await this.#store.get(key) === undefined) await put();
  }

  /** Removes a manifest, its place among the referrers and the tags that point at it; whether it was there. */
  async deleteManifest(name: string, digest: Hash): Promise<boolean> {
    const manifest = await this.manifest(name, digest);
    if (!await this.#store.delete(manifestKey(name, digest))) return false;
    if (manifest?.subject) await this.#store.delete(referrerKey(name, manifest.subject, digest));
    for (const [tag, target] of await this.tags(name)) {
      if (target === digest) await this.#store.delete(tagKey(name, tag));
    }
    return true;
  }

  /** Points a tag at a manifest that is there. */
  pointTag(name: string, tag: string, digest: Hash): Promise<void> {
    return this.#store.put(tagKey(name, tag), new TextEncoder().encode(digest));
  }

  /** Removes a tag and leaves the manifest; whether it was there. */
  deleteTag(name: string, tag: string): Promise<boolean> {
    return this.#store.delete(tagKey(name, tag));
  }

  /** All tags, sorted, with the digests that they point at, whether there is such a manifest or not. */
  async tags(name: string, options: AbortOptions = {}): Promise<[tag: string, digest: Hash][]> {
    const { signal } = options;
    const targets = await mapConcurrent(
      await this.#store.list(`${path(name)}_tags/`, { signal }),
      { concurrency: CONCURRENCY, signal },
      async (tag, signal) => [tag, await this.tag(name, tag, { signal })] as const,
    );
    return targets.flatMap(([tag, digest]): [string, Hash][] => digest === undefined ? [] : [[tag, digest]]);
  }

  /** The digests of all manifests. */
  async manifestDigests(name: string, options?: AbortOptions): Promise<Hash[]> {
    return keyDigests(await this.#store.list(`${path(name)}_manifests/`, options));
  }

  /** The digests of the manifests that name this one as their subject. */
  async referrerDigests(name: string, subject: Hash, options?: AbortOptions): Promise<Hash[]> {
    return keyDigests(await this.#store.list(`${path(name)}_referrers/${digestKey(subject)}/`, options));
  }

  /** What `read` makes of each manifest, those left out that are gone. A few are read at the same time. */
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

  /** A blob that the repository may serve, or `undefined`. */
  async blob(name: string, digest: Hash, options?: AbortOptions): Promise<StoredBlob | undefined> {
    const [link, blob] = await Promise.all([
      this.#store.get(blobKey(name, digest), options),
      this.#store.blob(digest, options),
    ]);
    return link && blob;
  }

  /** Lets the repository serve a blob of the store. */
  linkBlob(name: string, digest: Hash): Promise<void> {
    return this.#store.put(blobKey(name, digest), EMPTY);
  }

  /** Takes that back; whether it was so. The bytes stay in the store, where others may need them. */
  unlinkBlob(name: string, digest: Hash): Promise<boolean> {
    return this.#store.delete(blobKey(name, digest));
  }

  /** Whether a repository holds a manifest or a blob. */
  async exists(name: string, options: AbortOptions = {}): Promise<boolean> {
    for (const directory of ["_manifests/", "_blobs/"]) {
      if ((await this.#store.list(path(name) + directory, { ...options, limit: 1 })).length > 0) return true;
    }
    return false;
  }

  /** The names of the repositories directly below one, by their last segment, sorted. */
  async children(name: string, options?: AbortOptions): Promise<string[]> {
    return childNames(await this.#store.list(path(name), options));
  }

  /** The names of the repositories that hold a manifest or a blob, sorted. */
  async names(options: StoreListOptions = {}): Promise<string[]> {
    const { after = "", limit = Infinity, signal } = options;
    const names: string[] = [];
    for await (const name of this.#walk("", { after, signal })) {
      if (names.length >= limit) break;
      names.push(name);
    }
    return names;
  }

  /** Gives the names below a path in the order of whole names: `a`, `a-b`, `a/b`, though `a/` is one directory. */
  async *#walk(
    parent: string,
    options: { after: string; signal?: AbortSignal },
  ): AsyncGenerator<string, void, unknown> {
    const { after, signal } = options;
    const steps = (await this.children(parent, { signal })).flatMap((child) => [child, `${child}/`]).sort();
    for (const step of steps) {
      const name = parent === "" ? step : `${parent}/${step}`;
      if (name.endsWith("/")) {
        if (name > after || after.startsWith(name)) yield* this.#walk(name.slice(0, -1), options);
      } else if (name > after && await this.exists(name, { signal })) {
        yield name;
      }
    }
  }
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

function digestKey(digest: Hash): string {
  return digest.replace(":", "-");
}

function keyDigests(keys: readonly string[]): Hash[] {
  return keys.map((key) => key.replace("-", ":")).filter(isHash);
}

function childNames(entries: readonly string[]): string[] {
  return entries.filter((entry) => !entry.startsWith("_")).map((entry) => entry.slice(0, -1)).sort();
}
