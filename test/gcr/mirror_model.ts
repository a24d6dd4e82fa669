import { type Hash, isHash, MediaType } from "../../src/spec/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { digestOf } from "../fakes/mod.ts";
import type { Content, Made } from "./copy_model.ts";

/** A manifest with its bytes. */
export type MadeManifest = Made & { readonly bytes: Uint8Array<ArrayBuffer>; readonly mediaType: string };

/** Makes manifests, each different from all others. */
export class ManifestMaker {
  /** All that were made. */
  readonly made = new Map<Hash, MadeManifest>();

  /** Makes a manifest: an index if it has members, else an image. */
  make({ members = [], subject, mentions }: Made): Hash {
    const isIndex = members.length > 0;
    const mediaType = isIndex ? MediaType.OciImageIndex : MediaType.OciManifest;
    const config = { mediaType: MediaType.OciConfig, digest: `sha256:${"c".repeat(64)}`, size: 2 };
    const bytes = jsonBytes({
      schemaVersion: 2,
      mediaType,
      ...(isIndex ? { manifests: members.map((member) => this.descriptor(member)) } : { config, layers: [] }),
      ...(subject && { subject: this.descriptor(subject) }),
      annotations: { serial: String(this.made.size), ...(mentions && { mentions }) },
    }) as Uint8Array<ArrayBuffer>;
    const digest = digestOf(bytes);
    this.made.set(digest, { members, subject, mentions, bytes, mediaType });
    return digest;
  }

  /** Returns the manifests that a manifest names. */
  names(digest: Hash): Hash[] {
    const { members = [], subject, mentions } = this.made.get(digest)!;
    return [...members, ...[subject, mentions].filter((named) => named !== undefined)];
  }

  /** Returns the descriptor of a manifest. */
  descriptor(digest: Hash): { mediaType: string; digest: Hash; size: number } {
    const { bytes, mediaType } = this.made.get(digest)!;
    return { mediaType, digest, size: bytes.length };
  }
}

/** A repository of a {@linkcode ModelRegistry}. */
export class ModelRepository implements Content {
  readonly digests = new Set<Hash>();
  readonly tags = new Map<string, Hash>();
}

/** A list as a registry is about to send it. */
export interface ListAnswer {
  /** The path of the repository; empty for the catalog. */
  readonly path: string;
  /** The position of the page in the list, from 0. */
  readonly page: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The URL of the next page. */
  readonly next: string | undefined;
}

/** How a {@linkcode ModelRegistry} lists. */
export interface ModelRegistryOptions {
  /** Whether lists have all manifests, as Google's do, or tags alone. */
  readonly google: boolean;
  readonly pageSize: number;
  /** Whether a page begins at a position, and not after a name: what is removed meanwhile shifts the rest. */
  readonly byPosition: boolean;
}

/** A registry in memory whose state is changed directly, and whose lists can be replaced. */
export class ModelRegistry {
  readonly repositories = new Map<string, ModelRepository>();
  /** Called before a page of a list is made. */
  beforeList: (path: string, page: number) => void = () => {};
  /** Returns a replacement for a page. */
  onList: (answer: ListAnswer) => Response | undefined = () => undefined;
  /** Called before something is deleted. Returns whether that is refused. */
  onDelete: (path: string, what: string) => boolean = () => false;
  /** Called before a tag is looked at. */
  onTag: (path: string, tag: string) => void = () => {};
  readonly #maker: ManifestMaker;
  readonly #options: ModelRegistryOptions;

  constructor(maker: ManifestMaker, options: ModelRegistryOptions) {
    this.#maker = maker;
    this.#options = options;
  }

  /** Whether lists have all manifests. */
  get google(): boolean {
    return this.#options.google;
  }

  /** Returns a repository, which need not exist yet. */
  repository(path: string): ModelRepository {
    const repository = this.repositories.get(path) ?? new ModelRepository();
    this.repositories.set(path, repository);
    return repository;
  }

  /** Puts a manifest and all that it names into a repository. */
  put(path: string, digest: Hash, tags: readonly string[] = []): void {
    for (const named of this.#maker.names(digest)) this.put(path, named);
    const repository = this.repository(path);
    repository.digests.add(digest);
    for (const tag of tags) repository.tags.set(tag, digest);
  }

  /** Removes a manifest with its tags. */
  remove(path: string, digest: Hash): void {
    const { digests, tags } = this.repository(path);
    digests.delete(digest);
    for (const [tag, target] of tags) if (target === digest) tags.delete(tag);
  }

  /** Answers a request. */
  async handle(url: URL, { method = "GET", body }: RequestInit): Promise<Response> {
    if (url.pathname === "/v2/") return new Response();
    if (url.pathname === "/v2/_catalog") return this.#catalog(url);
    const [, path, kind, name] = /^\/v2\/(.+?)\/(tags|manifests|blobs|referrers)\/(.+)$/.exec(url.pathname)!;
    if (kind === "blobs") return new Response(null, { status: 200, headers: { "content-length": "2" } });
    if (kind === "tags") return this.#tags(path, url);
    if (kind === "referrers") return this.#referrers(path, name as Hash);
    if (method === "PUT") {
      const digest = digestOf(new Uint8Array(await new Response(body).arrayBuffer()));
      this.put(path, digest, isHash(name) ? [] : [name]);
      return new Response(null, { status: 201, headers: { "docker-content-digest": digest } });
    }
    if (method === "HEAD" && !isHash(name)) this.onTag(path, name);
    const digest = isHash(name) ? name : this.repositories.get(path)?.tags.get(name);
    if (!digest || !this.repositories.get(path)?.digests.has(digest)) return refusal("MANIFEST_UNKNOWN");
    if (method === "DELETE") return this.#delete(path, name);
    const { bytes, mediaType } = this.#maker.made.get(digest)!;
    return new Response(method === "HEAD" ? null : bytes, {
      headers: { "content-type": mediaType, "docker-content-digest": digest, "content-length": `${bytes.length}` },
    });
  }

  #delete(path: string, name: string): Response {
    if (this.onDelete(path, name)) return Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 });
    if (isHash(name)) this.remove(path, name);
    else this.repository(path).tags.delete(name);
    return new Response(null, { status: 202 });
  }

  #catalog(url: URL): Response {
    this.beforeList("", pageOf(url).page);
    const repositories = [...this.repositories].filter(([, { digests }]) => digests.size > 0).map(([path]) => path);
    return this.#page("", url, repositories, (repositories) => ({ repositories }));
  }

  #tags(path: string, url: URL): Response {
    this.beforeList(path, pageOf(url).page);
    const { digests, tags } = this.repositories.get(path) ?? new ModelRepository();
    if (digests.size === 0) return refusal("NAME_UNKNOWN");
    if (!this.#options.google) return this.#page(path, url, [...tags.keys()], (tags) => ({ name: path, tags }));
    const tagsOf = (digest: string) => [...tags].flatMap(([tag, target]) => target === digest ? [tag] : []);
    return this.#page(path, url, [...digests], (digests) => ({
      name: path,
      child: [],
      tags: digests.flatMap(tagsOf),
      manifest: Object.fromEntries(digests.map((digest) => [digest, {
        tag: tagsOf(digest),
        mediaType: this.#maker.made.get(digest as Hash)!.mediaType,
        timeUploadedMs: "1000000000000",
      }])),
    }));
  }

  #page(path: string, url: URL, all: string[], bodyOf: (names: string[]) => ListAnswer["body"]): Response {
    const { pageSize, byPosition } = this.#options;
    const { page, from, last } = pageOf(url);
    const sorted = all.sort();
    const begin = byPosition ? from : sorted.findIndex((name) => name > last);
    const names = begin < 0 ? [] : sorted.slice(begin, begin + pageSize);
    const isLast = begin < 0 || begin + pageSize >= sorted.length;
    const next = isLast
      ? undefined
      : `${url.pathname}?next=${encodeURIComponent(`${page + 1},${begin + pageSize},${names.at(-1)}`)}`;
    const answer = { path, page, body: bodyOf(names), next };
    return this.onList(answer) ?? listResponse(answer, (url) => `<${url}>; rel="next"`);
  }

  #referrers(path: string, subject: Hash): Response {
    const digests = [...this.repositories.get(path)?.digests ?? []];
    const manifests = digests.filter((digest) => this.#maker.made.get(digest)!.subject === subject)
      .map((digest) => this.#maker.descriptor(digest));
    return new Response(jsonBytes({ schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests }), {
      headers: { "content-type": MediaType.OciImageIndex },
    });
  }
}

/** Reads where a page begins. */
function pageOf(url: URL): { page: number; from: number; last: string } {
  const [page, from, last] = (url.searchParams.get("next") ?? "0,0,").split(",");
  return { page: Number(page), from: Number(from), last };
}

/** Makes the answer with a page of a list. */
export function listResponse({ body, next }: Pick<ListAnswer, "body" | "next">, link: (url: string) => string) {
  return Response.json(body, { headers: next === undefined ? {} : { link: link(next) } });
}

/** Makes the answer that something is not there. */
export function refusal(code: string): Response {
  return Response.json({ errors: [{ code }] }, { status: 404 });
}

/** Forms of a `Link` header that lead to the next page: those of RFC 8288, and one with other quotes. */
export const LINKS: readonly ((url: string) => string)[] = [
  (url) => `<${url}>; rel="last next"`,
  (url) => `<${url}>; rel=next`,
  (url) => `<${url}>`,
  (url) => `</v2/>; rel="first", <${url}>; title="a, b"; rel="next"`,
  (url) => `<${url}>; rel='next'`,
];

/** Forms that it does not allow: the list may be longer. */
export const WRONG_LINKS: readonly ((url: string) => string)[] = [
  (url) => `${url}; rel="next"`,
  (url) => `<${url}; rel="next"`,
  (url) => `<${url}>; rel="next`,
];

/** Bodies with status 200, or close to it, that are not lists. */
export const WRONG_BODIES: readonly ((body: ListAnswer["body"]) => Response)[] = [
  () => Response.json({}),
  () => Response.json({ errors: [{ code: "DENIED", message: "no" }] }),
  (body) => Response.json({ ...body, errors: [{ code: "DENIED" }] }),
  () => Response.json({ tags: "v1", repositories: "app" }),
  () => Response.json({ tags: { v1: 1 }, repositories: { app: 1 } }),
  () => Response.json([]),
  () => new Response("<html>"),
  () => new Response(null, { status: 204 }),
  () => new Response("", { status: 500 }),
];
