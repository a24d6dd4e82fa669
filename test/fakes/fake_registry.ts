import { createHash } from "node:crypto";
import { chunks } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { bytesOf, type FakeAnswer, type FakeOutcome, type FakeRequest, utf8 } from "./messages.ts";
import { TokenServer } from "./token_server.ts";

/** What a fake registry can and can't do. */
export interface FakeRegistryOptions {
  /**
   * The authentication: `ann` with the password `s3cret`, by name or for a token of its own `/token`.
   *
   * @default none
   */
  auth?: "basic" | "bearer";
  /**
   * Whether it takes the parts of an upload.
   * @default true
   */
  patch?: boolean;
  /**
   * Whether it mounts blobs.
   * @default true
   */
  mount?: boolean;
  /**
   * Whether it keeps the referrers itself.
   * @default true
   */
  referrers?: boolean;
  /**
   * Whether responses contain the digest of a manifest.
   *
   * @default true
   */
  saysDigest?: boolean;
  /**
   * Whether it sends what is asked for by `Range` alone.
   * @default true
   */
  ranges?: boolean;
  /**
   * Whether it keeps the bytes of blobs that it is sent, or their digests alone.
   * @default true
   */
  keeps?: boolean;
}

/** What happens to a request instead of the usual; `usual` does that, with another body if one is given. */
export type Cue = (
  request: FakeRequest,
  usual: (replaced?: Partial<FakeRequest>) => Promise<FakeAnswer>,
) => FakeOutcome | Promise<FakeOutcome>;

/** A manifest that a fake registry holds. */
export interface StoredManifest {
  readonly bytes: Bytes;
  readonly mediaType: string;
}

interface Upload {
  readonly repository: string;
  readonly parts: Bytes[];
  readonly hash: ReturnType<typeof createHash>;
  size: number;
}

/** A registry in memory that misbehaves on cue. `handle` is what answers. */
export class FakeRegistry {
  readonly blobs = new Map<string, Map<string, Bytes>>();
  readonly manifests = new Map<string, Map<string, StoredManifest>>();
  readonly uploads = new Map<string, Upload>();
  readonly tokens = new TokenServer();
  readonly #options: Required<Omit<FakeRegistryOptions, "auth">> & { auth?: "basic" | "bearer" };
  #cues: { method: string; path: RegExp; cue: Cue; times: number }[] = [];
  #sessions = 0;

  constructor(options: FakeRegistryOptions = {}) {
    this.#options = {
      patch: true,
      mount: true,
      referrers: true,
      saysDigest: true,
      ranges: true,
      keeps: true,
      ...options,
    };
  }

  /** Plays a cue on the next requests of a method whose path and query match: once, or so many times. */
  on(method: string, path: RegExp, cue: Cue, times = 1): this {
    this.#cues.push({ method, path, cue, times });
    return this;
  }

  /** Puts a blob there. */
  addBlob(repository: string, bytes: Bytes): Hash {
    const digest = digestOf(bytes);
    this.blobsOf(repository).set(digest, bytes);
    return digest;
  }

  /** Puts a manifest there, under its digest and perhaps a tag. */
  addManifest(repository: string, manifest: StoredManifest, tag?: string): Hash {
    const digest = digestOf(manifest.bytes);
    const held = this.manifestsOf(repository);
    held.set(digest, manifest);
    if (tag) held.set(tag, manifest);
    return digest;
  }

  blobsOf(repository: string): Map<string, Bytes> {
    return entry(this.blobs, repository);
  }

  manifestsOf(repository: string): Map<string, StoredManifest> {
    return entry(this.manifests, repository);
  }

  /** Answers a request. */
  readonly handle = async (request: FakeRequest): Promise<FakeOutcome> => {
    const path = request.url.pathname + request.url.search;
    const found = this.#cues.find((it) => it.method === request.method && it.times > 0 && it.path.test(path));
    const usual = (replaced: Partial<FakeRequest> = {}) => this.#answer({ ...request, ...replaced });
    if (!found) return await usual();
    found.times--;
    return await found.cue(request, usual);
  };

  async #answer(request: FakeRequest): Promise<FakeAnswer> {
    const { method, url } = request;
    if (url.pathname === "/token") return await this.tokens.answer(request);
    const refusal = this.#refusal(request);
    if (refusal) return refusal;
    if (url.pathname === "/v2/") return json(200, {});
    if (url.pathname === "/v2/_catalog") return this.#list(request, "repositories", [...this.manifests.keys()]);
    const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/(.*)$/.exec(url.pathname);
    if (!match) return problem(404, "UNSUPPORTED");
    const [, repository, room, name] = match;
    switch (room) {
      case "blobs/uploads":
        return name === "" ? this.#begin(request, repository) : await this.#continue(request, name);
      case "blobs":
        return this.#blob(request, repository, name);
      case "manifests":
        return await this.#manifest(request, repository, name);
      case "tags": {
        const tags = [...this.manifestsOf(repository).keys()].filter((key) => !key.startsWith("sha256:"));
        return this.#list(request, "tags", tags, { name: repository });
      }
      default:
        return this.#referrersOf(repository, name, method, url);
    }
  }

  #refusal(request: FakeRequest): FakeAnswer | undefined {
    const { auth } = this.#options;
    const shown = request.headers.get("authorization");
    const refused = (challenge: string) => ({
      ...problem(401, "UNAUTHORIZED"),
      headers: { "content-type": "application/json", "www-authenticate": challenge },
    });
    if (auth === "basic" && shown !== `Basic ${btoa("ann:s3cret")}`) return refused('Basic realm="fake"');
    if (auth !== "bearer") return undefined;
    const needed = this.#neededScope(request);
    if (needed === undefined ? this.tokens.knows(shown) : this.tokens.allows(shown, needed)) return undefined;
    const scope = needed === undefined ? "" : `,scope="${needed}"`;
    return refused(`Bearer realm="${request.url.origin}/token",service="fake"${scope}`);
  }

  #neededScope({ method, url }: FakeRequest): string | undefined {
    if (url.pathname === "/v2/_catalog") return "registry:catalog:*";
    const repository = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(url.pathname)?.[1];
    if (!repository) return undefined;
    const action = method === "GET" || method === "HEAD" ? "pull" : method === "DELETE" ? "delete" : "push";
    const isUpload = url.pathname.includes("/blobs/uploads/");
    return `repository:${repository}:${isUpload ? "push" : action}`;
  }

  #blob({ method, headers }: FakeRequest, repository: string, digest: string): FakeAnswer {
    const bytes = this.blobsOf(repository).get(digest);
    if (method === "DELETE") {
      return this.blobsOf(repository).delete(digest) ? { status: 202 } : problem(404, "BLOB_UNKNOWN");
    }
    if (!bytes) return problem(404, "BLOB_UNKNOWN");
    const own = { "content-type": "application/octet-stream", "docker-content-digest": digest };
    const from = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "")?.[1];
    if (from === undefined || !this.#options.ranges) return { status: 200, headers: own, body: bytes };
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    return { status: 206, headers: { ...own, "content-range": range }, body: bytes.subarray(Number(from)) };
  }

  #begin({ method, url }: FakeRequest, repository: string): FakeAnswer {
    if (method !== "POST") return problem(405, "UNSUPPORTED");
    const mount = url.searchParams.get("mount");
    const source = this.blobsOf(url.searchParams.get("from") ?? "").get(mount ?? "");
    if (mount && source && this.#options.mount) {
      this.blobsOf(repository).set(mount, source);
      return { status: 201, headers: { location: `/v2/${repository}/blobs/${mount}` } };
    }
    const id = `session-${++this.#sessions}`;
    this.uploads.set(id, { repository, parts: [], hash: createHash("sha256"), size: 0 });
    return this.#progress(id);
  }

  async #continue(request: FakeRequest, id: string): Promise<FakeAnswer> {
    const upload = this.uploads.get(id);
    if (!upload) return problem(404, "BLOB_UPLOAD_UNKNOWN");
    switch (request.method) {
      case "GET":
        return { ...this.#progress(id), status: 204 };
      case "DELETE":
        this.uploads.delete(id);
        return { status: 204 };
      case "PATCH": {
        if (!this.#options.patch) return problem(405, "UNSUPPORTED");
        const start = /^(\d+)-\d+$/.exec(request.headers.get("content-range") ?? "")?.[1];
        if (start !== undefined && Number(start) !== upload.size) return problem(416, "BLOB_UPLOAD_INVALID");
        await this.#receive(upload, request);
        return this.#progress(id);
      }
      case "PUT": {
        await this.#receive(upload, request);
        return this.#finish(upload, { id, digest: request.url.searchParams.get("digest") ?? "" });
      }
      default:
        return problem(405, "UNSUPPORTED");
    }
  }

  /** Keeps what arrives, also of a body that is cut. */
  async #receive(upload: Upload, { body }: FakeRequest): Promise<void> {
    for await (const chunk of chunks(body)) {
      upload.size += chunk.length;
      upload.hash.update(chunk);
      if (this.#options.keeps) upload.parts.push(new Uint8Array(chunk));
    }
  }

  async #finish(upload: Upload, { id, digest }: { id: string; digest: string }): Promise<FakeAnswer> {
    this.uploads.delete(id);
    if (`sha256:${upload.hash.digest("hex")}` !== digest) return problem(400, "DIGEST_INVALID");
    const bytes = new Uint8Array(await new Blob(upload.parts).arrayBuffer());
    this.blobsOf(upload.repository).set(digest, bytes);
    const location = `/v2/${upload.repository}/blobs/${digest}`;
    return { status: 201, headers: { location, "docker-content-digest": digest } };
  }

  #progress(id: string): FakeAnswer {
    const { repository, size } = this.uploads.get(id)!;
    const location = `/v2/${repository}/blobs/uploads/${id}?_state=secret-of-${id}`;
    return { status: 202, headers: { location, range: `0-${Math.max(size - 1, 0)}`, "docker-upload-uuid": id } };
  }

  async #manifest(request: FakeRequest, repository: string, name: string): Promise<FakeAnswer> {
    const held = this.manifestsOf(repository);
    if (request.method === "PUT") {
      const bytes = await bytesOf(request.body);
      const digest = digestOf(bytes);
      if (name.startsWith("sha256:") && name !== digest) return problem(400, "DIGEST_INVALID");
      const manifest = { bytes, mediaType: request.headers.get("content-type") ?? "" };
      held.set(digest, manifest);
      held.set(name, manifest);
      const subject = subjectOf(bytes);
      const said = this.#options.referrers && subject ? { "oci-subject": subject } : {};
      return { status: 201, headers: { "docker-content-digest": digest, ...said } };
    }
    const manifest = held.get(name);
    if (!manifest) return problem(404, "MANIFEST_UNKNOWN");
    if (request.method === "DELETE") {
      held.delete(name);
      return { status: 202 };
    }
    const digest = this.#options.saysDigest ? { "docker-content-digest": digestOf(manifest.bytes) } : {};
    return { status: 200, headers: { "content-type": manifest.mediaType, ...digest }, body: manifest.bytes };
  }

  #list({ url }: FakeRequest, key: string, all: string[], more: object = {}): FakeAnswer {
    const last = url.searchParams.get("last") ?? "";
    const after = all.toSorted().filter((name) => name > last);
    const page = after.slice(0, Number(url.searchParams.get("n") ?? 100));
    const query = new URLSearchParams({ n: url.searchParams.get("n") ?? "100", last: page.at(-1) ?? "" });
    const link = `<${url.pathname}?${query}>; rel="next"`;
    const answer = json(200, { ...more, [key]: page });
    return page.length < after.length ? { ...answer, headers: { "content-type": "application/json", link } } : answer;
  }

  #referrersOf(repository: string, digest: string, method: string, url: URL): FakeAnswer {
    if (!this.#options.referrers || method !== "GET") return problem(404, "UNSUPPORTED");
    const wanted = url.searchParams.get("artifactType");
    const manifests = [...this.manifestsOf(repository)].flatMap(([name, { bytes, mediaType }]) => {
      if (!name.startsWith("sha256:") || subjectOf(bytes) !== digest) return [];
      const { artifactType, config, annotations } = JSON.parse(new TextDecoder().decode(bytes));
      const type = artifactType ?? config?.mediaType;
      if (wanted && type !== wanted) return [];
      return [{ mediaType, digest: name, size: bytes.length, artifactType: type, annotations }];
    });
    const mediaType = "application/vnd.oci.image.index.v1+json";
    return { ...json(200, { schemaVersion: 2, mediaType, manifests }), headers: { "content-type": mediaType } };
  }
}

/** An answer in JSON. */
export function json(status: number, value: unknown): FakeAnswer {
  return { status, headers: { "content-type": "application/json" }, body: utf8(JSON.stringify(value)) };
}

/** An answer in the words of the distribution-spec. */
export function problem(status: number, code: string, message = code.toLowerCase()): FakeAnswer {
  return json(status, { errors: [{ code, message }] });
}

/** The sha256 digest of bytes. */
export function digestOf(bytes: Uint8Array): Hash {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function subjectOf(bytes: Bytes): string | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)).subject?.digest;
  } catch {
    return undefined;
  }
}

function entry<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const known = map.get(key);
  if (known) return known;
  const made = new Map<L, V>();
  map.set(key, made);
  return made;
}
