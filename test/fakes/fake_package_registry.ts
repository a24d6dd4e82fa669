import { encodeBase64 } from "@std/encoding/base64";
import { compress, readAll } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type TarNewEntry, writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "../make/bytes.ts";

/** An entry of a tarball that is not just a file's content. */
export interface FakeEntry {
  type?: "file" | "symlink" | "link" | "fifo" | "directory";
  linkname?: string;
  mode?: number;
  content?: Bytes;
}

/** A package of a {@linkcode FakePackageRegistry}. */
export interface FakePackage {
  name: string;
  version: string;
  /** Further fields of its package.json. */
  manifest?: object;
  /** Its other files by their paths, and entries of its tarball that are no plain files. */
  files?: Readonly<Record<string, string | Bytes | FakeEntry>>;
  /** Its tarball, in place of one with these files. */
  tarball?: Bytes;
}

/** A request that a registry got. */
export interface SeenRequest {
  url: string;
  authorization: string | null;
}

/** Returns the hash of a tarball as a lock has it. */
export async function integrityOf(
  bytes: Bytes,
  algorithm: "SHA-512" | "SHA-256" | "SHA-1" = "SHA-512",
): Promise<string> {
  const hash = encodeBase64(await crypto.subtle.digest(algorithm, bytes));
  return `${algorithm.replace("-", "").toLowerCase()}-${hash}`;
}

/** Makes the tarball of a package, with its files below `package/`. */
export async function packageTarball({ name, version, manifest = {}, files = {} }: FakePackage): Promise<Bytes> {
  const all: FakePackage["files"] = { "package.json": JSON.stringify({ name, version, ...manifest }), ...files };
  const entries = Object.entries(all ?? {}).map(([path, content]): TarNewEntry => {
    const at = path.startsWith("/") || path.startsWith("..") ? path : `package/${path}`;
    if (typeof content === "string") return { path: at, content: utf8(content) };
    if (content instanceof Uint8Array) return { path: at, content };
    return { path: at, ...content } as TarNewEntry;
  });
  const packed = compress(writeTar(entries), "gzip");
  return await readAll(packed, { limit: 2 ** 30, what: name });
}

/** A package registry in memory: documents at `/NAME`, tarballs at `/NAME/-/FILE-VERSION.tgz`. */
export class FakePackageRegistry {
  /** The requests, in their order. */
  readonly seen: SeenRequest[] = [];
  readonly #tarballs = new Map<string, Bytes>();
  readonly #documents = new Map<string, Record<string, object>>();
  readonly #base: string;

  private constructor(base: string) {
    this.#base = base;
  }

  /** Makes a registry, for a URL with `/` at the end, with packages. */
  static async of(base: string, packages: readonly FakePackage[] = []): Promise<FakePackageRegistry> {
    const registry = new FakePackageRegistry(base);
    for (const each of packages) await registry.add(each);
    return registry;
  }

  /** Adds a package, and returns its integrity. */
  async add(added: FakePackage): Promise<string> {
    const { name, version, manifest = {} } = added;
    const tarball = added.tarball ?? await packageTarball(added);
    const path = `${name}/-/${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`;
    this.#tarballs.set(`${this.#base}${path}`, tarball);
    const integrity = await integrityOf(tarball);
    const dist = { tarball: `${this.#base}${path}`, integrity };
    this.#documents.set(name, { ...this.#documents.get(name), [version]: { name, version, ...manifest, dist } });
    return integrity;
  }

  /** Answers a request. */
  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = decodeURIComponent(input instanceof Request ? input.url : String(input));
    const headers = input instanceof Request ? input.headers : new Headers(init?.headers);
    this.seen.push({ url, authorization: headers.get("authorization") });
    const tarball = this.#tarballs.get(url);
    if (tarball) return Promise.resolve(new Response(tarball, { headers: { "content-length": `${tarball.length}` } }));
    const name = url.startsWith(this.#base) ? url.slice(this.#base.length) : "";
    const versions = this.#documents.get(name);
    return Promise.resolve(versions ? Response.json({ name, versions }) : new Response("not found", { status: 404 }));
  };
}
