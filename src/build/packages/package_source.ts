import { FileError, GcraneError, HttpError, NetworkError, PackageError } from "../../errors.ts";
import { fetchFor, type Timeouts } from "../../http/mod.ts";
import type { LayerCache } from "../../cache/mod.ts";
import {
  type AbortOptions,
  digestBytes,
  drain,
  isObject,
  jsonObject,
  Limits,
  readAll,
  type RetryOptions,
  SharedWork,
  streamOf,
} from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { parseHash } from "../../spec/mod.ts";
import { VERSION } from "../../version.ts";
import type { LockedPackage } from "../locked_package.ts";
import { PackageClient } from "./client.ts";
import { type Integrity, parseIntegrity, verifyIntegrity } from "./integrity.ts";
import type { PackageRegistries } from "./registries.ts";
import { type UnpackedFile, unpackPackage } from "./unpack.ts";

/** Options of {@linkcode PackageSource}. */
export interface PackageSourceOptions {
  /** Which registry has which package. */
  registries: PackageRegistries;
  /**
   * Keeps verified tarballs by their hashes, and lists of their files, so that a package of which no file is read is not
   * unpacked.
   *
   * @default none: a package that is read again is fetched again
   */
  cache?: LayerCache;
  /**
   * Sends requests.
   *
   * @default the runtime's, by the proxies and certificates of the environment
   */
  fetch?: typeof fetch;
  /** The time limits. */
  timeouts?: Timeouts;
  /** The retries. */
  retry?: RetryOptions;
  /**
   * How many bytes of unpacked packages are kept for the next read of their files.
   *
   * @default {50331648}
   */
  keepBytes?: number;
}

/** A file in the list of a package. */
export interface ListedFile {
  /** Relative to the package's folder, with `/`. */
  path: string;
  size: number;
  executable: boolean;
}

/** What a package has, without the bytes of its files. */
interface PackageList {
  /** Its package.json. */
  manifest: Readonly<Record<string, unknown>>;
  files: readonly ListedFile[];
}

/** A package that was fetched and verified, with its files sorted by path. */
export interface FetchedPackage extends PackageList {
  /** Reads a file; the package may be unpacked again for it. */
  read(file: ListedFile, options?: AbortOptions): Promise<Bytes>;
}

/** The largest tarball. */
const MOST_BYTES = 512 * 1024 * 1024;
/** The default of `keepBytes`: the packages of many applications. */
const KEPT_BYTES = 48 * 1024 * 1024;

/** What a registry has of a version of a package. */
type VersionFacts = Readonly<Record<string, unknown>>;

/** The files of a package in memory. */
class UnpackedPackage {
  /** By path. */
  readonly files: ReadonlyMap<string, UnpackedFile>;
  /** The bytes of all files. */
  readonly size: number;

  constructor(files: readonly UnpackedFile[]) {
    this.files = new Map(files.map((file) => [file.path, file]));
    this.size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Returns the bytes of a file in the list of the package. @throws {PackageError} if it has another one. */
  read({ path, size }: ListedFile, id: string): Bytes {
    const bytes = this.files.get(path)?.bytes;
    if (bytes?.length === size) return bytes;
    throw new PackageError(`${path} of ${id} is not as the list of its files in the cache has it`, {
      hint: "remove the cache",
    });
  }
}

/** Fetches, verifies and unpacks packages of locks. */
export class PackageSource {
  readonly #options: PackageSourceOptions;
  readonly #client: PackageClient;
  readonly #documents = new SharedWork<Readonly<Record<string, unknown>>>({ keep: true });
  readonly #unpacking = new SharedWork<UnpackedPackage>();
  /** Unpacked packages, the one that was read last at the end. */
  readonly #unpacked = new Map<string, UnpackedPackage>();
  /** The bytes of all of them. */
  #unpackedBytes = 0;
  /** Origins of locks that did not answer, and whose packages are asked for at the configured registry. */
  readonly #absent = new Set<string>();

  constructor(options: PackageSourceOptions) {
    this.#options = options;
    const { registries, fetch = fetchFor(), timeouts, retry } = options;
    this.#client = new PackageClient(registries, { fetch, timeouts, retry });
  }

  /**
   * Fetches a package. The bytes of its files are kept for a while only, so that any number of packages can be open.
   *
   * @throws {PackageError} if it comes from no registry, differs from its integrity or can't be unpacked.
   * @throws {HttpError} if the registry does not have it.
   */
  async open(locked: LockedPackage, options: AbortOptions = {}): Promise<FetchedPackage> {
    const list = await this.#list(locked, options);
    const read = async (file: ListedFile, options: AbortOptions = {}) =>
      (await this.#package(locked, options)).read(file, idOf(locked));
    return { ...list, read };
  }

  /** Returns what a package has: from the cache, where that knows its hash, else from its tarball. */
  async #list(locked: LockedPackage, options: AbortOptions): Promise<PackageList> {
    const { cache } = this.#options;
    const integrity = locked.integrity === undefined ? undefined : parseIntegrity(locked.integrity);
    const key = cache && locked.from === "npm" && integrity ? await listKey(integrity) : undefined;
    const kept = key && await cache?.open(key, options);
    if (kept) {
      const bytes = await readAll(kept, { limit: MOST_BYTES, what: idOf(locked), ...options });
      const list = parseList(new TextDecoder().decode(bytes));
      if (list !== undefined) return list;
    }
    const unpacked = await this.#package(locked, options);
    const text = unpacked.files.get("package.json")?.bytes;
    const manifest = text && jsonObject(new TextDecoder().decode(text));
    if (manifest === undefined) throw new PackageError(`${idOf(locked)} has no package.json`);
    const files = [...unpacked.files.values()].map(({ path, executable, bytes }) => ({
      path,
      size: bytes.length,
      executable,
    }));
    if (cache && key) await drain(cache.store(key, streamOf(utf8(JSON.stringify({ manifest, files })))));
    return { manifest, files };
  }

  /** Returns what the registry has of a version: the package.json, with `dist`, the address and hashes of its tarball. */
  async describe(locked: LockedPackage, options: AbortOptions = {}): Promise<VersionFacts> {
    const { name, version } = locked;
    const registry = await this.#options.registries.registryOf(name);
    const document = await this.#documents.run(`${registry.href} ${name}`, options, async (signal) => {
      const bytes = await this.#client.get(new URL(name.replace("/", "%2f"), registry), {
        what: name,
        limit: Limits.page,
        accept: "application/vnd.npm.install-v1+json, application/json;q=0.8",
        signal,
      });
      return jsonObject(new TextDecoder().decode(bytes)) ?? {};
    });
    const versions = isObject(document.versions) ? document.versions : {};
    const facts = Object.hasOwn(versions, version) ? versions[version] : undefined;
    if (isObject(facts)) return facts;
    throw new PackageError(`the registry ${registry.host} does not have ${idOf(locked)}`, {
      hint: "check the registry that .npmrc or npm_config_registry names",
    });
  }

  async #package(locked: LockedPackage, options: AbortOptions): Promise<UnpackedPackage> {
    const key = `${idOf(locked)} ${locked.integrity ?? locked.resolved ?? ""}`;
    const kept = this.#unpacked.get(key);
    const unpacked = kept ?? await this.#unpacking.run(key, options, async (signal) => {
      return new UnpackedPackage(await unpackPackage(await this.#tarball(locked, { signal }), idOf(locked)));
    });
    this.#keep(key, unpacked);
    return unpacked;
  }

  #keep(key: string, unpacked: UnpackedPackage): void {
    this.#drop(key);
    this.#unpacked.set(key, unpacked);
    this.#unpackedBytes += unpacked.size;
    const { keepBytes = KEPT_BYTES } = this.#options;
    for (const oldest of this.#unpacked.keys()) {
      if (this.#unpackedBytes <= keepBytes || oldest === key) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#unpackedBytes -= this.#unpacked.get(key)?.size ?? 0;
    this.#unpacked.delete(key);
  }

  async #tarball(locked: LockedPackage, options: AbortOptions): Promise<Bytes> {
    const id = idOf(locked);
    if (locked.from !== "npm") throw notFetched(id, `is of ${locked.from}`);
    if (locked.resolved && !/^https?:/.test(locked.resolved)) throw notFetched(id, originWords(locked.resolved));
    let address = locked.resolved;
    let integrity = locked.integrity === undefined ? undefined : parseIntegrity(locked.integrity);
    if (locked.integrity === undefined) {
      // The lock has no hash of it, as yarn's later form: the registry's own is all there is.
      const { dist } = await this.describe(locked, options);
      const facts = isObject(dist) ? dist : {};
      integrity = parseIntegrity(String(facts.integrity ?? "")) ?? shasum(facts.shasum);
      address ??= typeof facts.tarball === "string" ? facts.tarball : undefined;
    }
    if (integrity === undefined) {
      throw new PackageError(`${id} has no hash that can be verified, neither in the lock nor in the registry`, {
        hint: "install it, so that the build takes it from node_modules",
      });
    }
    const known = await this.#cached(integrity, id, options);
    if (known !== undefined) return known;
    const bytes = await this.#fetch(locked, address, options);
    await verifyIntegrity(bytes, integrity, `the tarball of ${id}`);
    const digest = cacheKey(integrity);
    if (digest) await drain(this.#options.cache?.store(digest, streamOf(bytes)) ?? streamOf(bytes));
    return bytes;
  }

  async #cached(integrity: Integrity, id: string, { signal }: AbortOptions): Promise<Bytes | undefined> {
    const digest = cacheKey(integrity);
    const stream = digest && await this.#options.cache?.open(digest, { signal });
    if (!stream) return undefined;
    try {
      const bytes = await readAll(stream, { limit: MOST_BYTES, what: id, signal });
      await verifyIntegrity(bytes, integrity, id);
      return bytes;
    } catch (error) {
      if (!(error instanceof PackageError || error instanceof FileError)) throw error;
      // The file was changed or cut: the registry has the right one.
      await this.#options.cache?.remove(digest!);
      return undefined;
    }
  }

  /** Fetches a tarball: at the lock's address, else at the registry's usual one, else at the one it names. */
  async #fetch(locked: LockedPackage, address: string | undefined, options: AbortOptions): Promise<Bytes> {
    const request = { what: idOf(locked), limit: MOST_BYTES, ...options };
    const inLock = address === undefined ? undefined : new URL(address);
    if (inLock !== undefined && !this.#absent.has(inLock.origin)) {
      try {
        return await this.#client.get(inLock, request);
      } catch (error) {
        const registry = await this.#otherRegistry(locked, inLock, error);
        if (registry === undefined) throw error;
      }
    }
    const registry = await this.#options.registries.registryOf(locked.name);
    const { name, version } = locked;
    const usual = new URL(`${name}/-/${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`, registry);
    try {
      return await this.#client.get(usual, request);
    } catch (error) {
      if (!(error instanceof HttpError && error.status === 404)) throw error;
      // Some registries have tarballs elsewhere. Without a document, the first answer has the better words.
      const { dist } = await this.describe(locked, options).catch((): VersionFacts => ({}));
      const named = isObject(dist) && typeof dist.tarball === "string" ? dist.tarball : usual.href;
      if (named === usual.href || !URL.canParse(named)) throw error;
      return await this.#client.get(new URL(named), request);
    }
  }

  /**
   * Returns the registry to ask in place of the lock's address: a lock may have been made against another registry
   * than the one that can be reached from here. The hash of the lock holds for both.
   */
  async #otherRegistry(locked: LockedPackage, address: URL, error: unknown): Promise<URL | undefined> {
    const isGone = error instanceof NetworkError || (error instanceof HttpError && error.status < 500);
    if (!isGone || locked.integrity === undefined) return undefined;
    const registry = await this.#options.registries.registryOf(locked.name).catch((error) => {
      if (error instanceof GcraneError) return undefined;
      throw error;
    });
    if (registry === undefined || registry.origin === address.origin) return undefined;
    if (error instanceof NetworkError) this.#absent.add(address.origin);
    return registry;
  }
}

function idOf({ name, version }: LockedPackage): string {
  return `${name}@${version}`;
}

function shasum(value: unknown): Integrity | undefined {
  return typeof value === "string" && /^[0-9a-f]{40}$/.test(value)
    ? { algorithm: "sha1", digests: [value] }
    : undefined;
}

/** Returns the key in a cache; weak hashes have none. */
function cacheKey({ algorithm, digests }: Integrity): ReturnType<typeof parseHash> | undefined {
  return algorithm === "sha512" || algorithm === "sha256" ? parseHash(`${algorithm}:${digests[0]}`) : undefined;
}

/** Returns the key in a cache of the list of files of a package: what another version reads from a tarball may differ. */
async function listKey({ algorithm, digests }: Integrity): Promise<ReturnType<typeof parseHash>> {
  return await digestBytes(utf8(`files of ${algorithm}:${digests[0]} by gcrane ${VERSION}`));
}

function parseList(text: string): PackageList | undefined {
  const { manifest, files } = jsonObject(text) ?? {};
  return isObject(manifest) && Array.isArray(files) ? { manifest, files } : undefined;
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Returns where a package is from that no registry has. */
function originWords(resolved: string): string {
  if (resolved.startsWith("patch:") || resolved.includes("@patch:")) return "has a patch of the project";
  if (/^git|^github:|\.git(?:#|$)/.test(resolved)) return "is from a git repository";
  return "is from a folder or a file";
}

function notFetched(id: string, why: string): PackageError {
  return new PackageError(`${id} ${why}, and no registry has it so`, {
    hint: "install it, so that the build takes it from node_modules",
  });
}
