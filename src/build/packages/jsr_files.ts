import { decodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import { PackageError } from "../../errors.ts";
import { digestBytes, isObject, jsonObject } from "../../io/mod.ts";
import { type Bytes, hashHex } from "../../runtime/mod.ts";
import type { Lock, LockedPackage } from "../locked_package.ts";
import type { ProjectFiles } from "../project_files.ts";

/** A file of a package of JSR, where Deno looks for it with `--vendor`. */
export interface JsrFile {
  /** Relative to the project, in `vendor`. */
  path: string;
  size: number;
  /** The hash of its bytes. */
  version: string;
  read(): Promise<Bytes>;
}

/** Where packages of JSR are looked for. */
export interface JsrSources {
  /** The project, with its `vendor` folder. */
  files: ProjectFiles;
  /**
   * Deno's cache, the folder that DENO_DIR names.
   *
   * @default none
   */
  cache?: ProjectFiles | undefined;
}

/** What Deno's cache appends to a file. */
const TRAILER = "\n// denoCacheMetadata=";

/**
 * Returns the files of each package of JSR in a lock: out of `vendor`, else out of Deno's cache, where they are verified
 * by the lock's checksums. A program finds them with `deno run --vendor --cached-only`.
 *
 * @throws {PackageError} if a package is in neither, or is not the one of the lock.
 */
export async function jsrFiles(
  lock: Lock,
  sources: JsrSources,
): Promise<ReadonlyMap<LockedPackage, readonly JsrFile[]>> {
  const packages = lock.packages.filter(({ from }) => from === "jsr");
  const found = new Map<LockedPackage, readonly JsrFile[]>();
  const hosts = await hostsOf(sources);
  for (const locked of packages) {
    const { name, version } = locked;
    const place = await findPackage(locked, hosts);
    if (place === undefined) {
      throw new PackageError(`${name}@${version} of JSR is neither in vendor nor in Deno's cache`, {
        hint: 'run "deno install" with "vendor": true in deno.json, or set DENO_DIR to the cache that has it',
      });
    }
    const folder = `vendor/${place.host.folder}/${name}`;
    const files = await filesOf(locked, place, folder);
    // Deno reads the list of all versions, too. One of the lock's versions is the same whenever it is made.
    const versions = packages.filter((each) => each.name === name).map((each) => each.version);
    const isFirst = version === versions[0];
    const list = isFirst ? [await inMemory(`${folder}/meta.json`, listOf(name, versions))] : [];
    const meta = await inMemory(`${folder}/${version}_meta.json`, place.meta);
    found.set(locked, [...list, meta, ...files].sort((a, b) => a.path < b.path ? -1 : 1));
  }
  return found;
}

/** A registry's folder in `vendor` or in Deno's cache. */
interface Host {
  /** Its name in `vendor`. */
  folder: string;
  /** Whether the lock's checksums hold for what it has: in `vendor`, projects may change files. */
  isVerified: boolean;
  /** Reads what the registry has at a path. */
  read(path: string): Promise<Bytes | undefined>;
}

async function hostsOf({ files, cache }: JsrSources): Promise<Host[]> {
  const hosts: Host[] = [];
  for (const { path, type } of await foldersIn(files, "vendor")) {
    if (type !== "directory") continue;
    hosts.push({
      folder: path.slice("vendor/".length),
      isVerified: false,
      read: (place) => files.read(`${path}${place}`),
    });
  }
  if (cache === undefined) return hosts;
  for (const scheme of ["https", "http"]) {
    for (const { path, type } of await foldersIn(cache, `remote/${scheme}`)) {
      if (type !== "directory") continue;
      const host = path.slice(path.lastIndexOf("/") + 1).replace("_PORT", "_");
      const read = async (place: string) => {
        const name = (await digestBytes(new TextEncoder().encode(place))).slice("sha256:".length);
        const bytes = await cache.read(`${path}/${name}`);
        return bytes && withoutTrailer(bytes);
      };
      hosts.push({ folder: scheme === "https" ? host : `http_${host}`, isVerified: true, read });
    }
  }
  return hosts;
}

async function foldersIn(files: ProjectFiles, folder: string): ReturnType<ProjectFiles["list"]> {
  const parent = folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "";
  // A folder is listed only if it is there, whichever way a source has of refusing one that is not.
  const above = parent === "" ? await files.list("") : await foldersIn(files, parent);
  return above.some(({ path, type }) => path === folder && type === "directory") ? await files.list(folder) : [];
}

interface Place {
  host: Host;
  meta: Bytes;
}

/** Returns where a package is, and its list of files as `vendor` has it: with the checksum of the lock. */
async function findPackage(locked: LockedPackage, hosts: readonly Host[]): Promise<Place | undefined> {
  const { name, version, integrity } = locked;
  const promised = integrity && encodeHex(decodeBase64(integrity.slice("sha256-".length)));
  for (const host of hosts) {
    const meta = await host.read(`/${name}/${version}_meta.json`);
    if (meta === undefined) continue;
    const text = new TextDecoder().decode(meta);
    const fields = jsonObject(text);
    if (fields === undefined) throw new PackageError(`the list of files of ${name}@${version} of JSR is not JSON`);
    const checksum = host.isVerified ? await hashHex(meta, "sha256") : fields.lockfileChecksum ?? promised;
    if (promised !== undefined && checksum !== promised) {
      throw new PackageError(`the list of files of ${name}@${version} of JSR is not the one of the lock`, {
        hint: 'run "deno install --reload", and look at what changes in deno.lock',
      });
    }
    const marked = host.isVerified && promised ? JSON.stringify({ ...fields, lockfileChecksum: promised }) : text;
    return { host, meta: new TextEncoder().encode(marked) };
  }
  return undefined;
}

async function filesOf(locked: LockedPackage, { host, meta }: Place, folder: string): Promise<JsrFile[]> {
  const { name, version } = locked;
  const { manifest } = jsonObject(new TextDecoder().decode(meta)) ?? {};
  const files: JsrFile[] = [];
  for (const [path, facts] of Object.entries(isObject(manifest) ? manifest : {})) {
    if (!path.startsWith("/") || path.split("/").some((part) => part === ".." || part === ".") || path.includes("\\")) {
      throw new PackageError(
        `${name}@${version} of JSR has the path ${JSON.stringify(path)}, which is not in its folder`,
      );
    }
    const place = `/${name}/${version}${path}`;
    // Deno fetches the files that are imported, and no others.
    const bytes = await host.read(place);
    if (bytes === undefined) continue;
    const checksum = isObject(facts) ? facts.checksum : undefined;
    const hash = await hashHex(bytes, "sha256");
    if (host.isVerified && checksum !== `sha256-${hash}`) {
      throw new PackageError(`${path} of ${name}@${version} of JSR differs from its checksum`, {
        hint: 'run "deno install --reload"',
      });
    }
    const read = async () => await host.read(place) ?? bytes.slice(0, 0);
    files.push({ path: `${folder}/${version}${path}`, size: bytes.length, version: hash, read });
  }
  if (files.length > 0) return files;
  throw new PackageError(`${name}@${version} of JSR has none of its files in vendor or in Deno's cache`, {
    hint: 'run "deno install"',
  });
}

function listOf(name: string, versions: readonly string[]): Bytes {
  const [scope, own] = name.slice(1).split("/");
  const all = Object.fromEntries(versions.map((version) => [version, {}]));
  return new TextEncoder().encode(JSON.stringify({ scope, name: own, latest: versions.at(-1), versions: all }));
}

async function inMemory(path: string, bytes: Bytes): Promise<JsrFile> {
  const version = await hashHex(bytes, "sha256");
  return { path, size: bytes.length, version, read: () => Promise.resolve(bytes) };
}

function withoutTrailer(bytes: Bytes): Bytes {
  const mark = new TextEncoder().encode(TRAILER);
  for (let at = bytes.length - mark.length; at >= 0; at--) {
    if (mark.every((byte, i) => bytes[at + i] === byte)) return bytes.slice(0, at);
  }
  return bytes;
}

/**
 * Returns the folder of a package of npm in Deno's cache, where it lies without a `node_modules`; `undefined` if it is
 * not there.
 */
export async function cachedNpmFolder(
  { name, version }: LockedPackage,
  cache: ProjectFiles,
): Promise<string | undefined> {
  for (const { path, type } of await foldersIn(cache, "npm")) {
    if (type !== "directory") continue;
    const folder = `${path}/${name}/${version}`;
    if (await cache.read(`${folder}/package.json`) !== undefined) return folder;
  }
  return undefined;
}
