import { createHash, randomUUID } from "node:crypto";
import { parseRegistry } from "../../src/name/mod.ts";
import { basic } from "../../src/authn/mod.ts";
import { Connection } from "../../src/transport/mod.ts";

export type Bytes = Uint8Array<ArrayBuffer>;
export type Algorithm = "sha256" | "sha512";

export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
export const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar";
export const EMPTY = "application/vnd.oci.empty.v1+json";

/** What a check was not able to look at, since the registry need not have it. */
export class Skipped extends Error {}

/** What a check found. */
export class Deviation extends Error {}

/** A registry to look at. */
export interface Target {
  /** Its URL. */
  readonly url: string;
  /** The user. */
  readonly user?: string;
  /** With which password. */
  readonly password?: string;
  /** The repository to work in; another one is made beside it. */
  readonly repository?: string;
  /** Reaches it. */
  readonly fetch?: typeof fetch;
}

/** An answer that was read to its end. */
export interface Answer {
  /** What was asked, for messages. */
  readonly line: string;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Bytes;
}

/** What a request carries. */
export interface Parts {
  readonly body?: Bytes | string | ReadableStream<Bytes>;
  readonly headers?: Record<string, string>;
  /** The repository whose permissions it needs besides. */
  readonly from?: string;
}

/** The fields of a descriptor. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [field: string]: unknown;
}

/** A registry while it is looked at, and two repositories of it. */
export class World {
  /** The repository that checks work in. */
  readonly repository: string;
  /** Another one, to mount from. */
  readonly other: string;
  readonly #target: Target;
  readonly #connection: Connection;
  readonly #fetch: typeof fetch;

  constructor(target: Target) {
    this.#target = target;
    this.repository = target.repository ?? `conformance/${randomUUID().slice(0, 8)}`;
    this.other = `${this.repository}-other`;
    this.#fetch = target.fetch ?? fetch;
    const { host, protocol } = new URL(target.url);
    const { user, password = "" } = target;
    this.#connection = new Connection(parseRegistry(host, { insecure: protocol === "http:" }), {
      fetch: this.#fetch,
      ...(user !== undefined && { keychain: { resolve: () => Promise.resolve(basic(user, password)) } }),
    });
  }

  /** Sends a request to a path within the repository, or to a URL that the registry gave. */
  async send(method: string, path: string, parts: Parts = {}): Promise<Answer> {
    const { body, headers, from } = parts;
    const inOther = path.includes(`/v2/${this.other}/`);
    const url = new URL(/^(https?:|\/)/.test(path) ? path : `/v2/${this.repository}/${path}`, this.#target.url);
    const repository = inOther ? this.other : this.repository;
    const scopes = [`repository:${repository}:${method === "DELETE" ? "pull,push,delete" : "pull,push"}`];
    if (from) scopes.push(`repository:${from}:pull`);
    const authorization = url.host === new URL(this.#target.url).host
      ? await this.#connection.authorization(repository, scopes)
      : undefined;
    const line = `${method} ${url.pathname}${url.search.replace(/_state=[^&]*/, "_state=…")}`;
    const response = await this.#fetch(url.href, {
      method,
      headers: { ...(authorization && { Authorization: authorization }), ...headers },
      body: typeof body === "string" ? encode(body) : body,
      redirect: "follow",
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    } as RequestInit);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { line, status: response.status, headers: response.headers, bytes };
  }

  /** Starts an upload, and gives its URL. */
  async startUpload(repository: string = this.repository): Promise<string> {
    return location(expect(await this.send("POST", `/v2/${repository}/blobs/uploads/`), 202));
  }

  /** Pushes a blob, and gives its digest. */
  async push(content: Bytes | string, repository: string = this.repository, algorithm: Algorithm = "sha256") {
    const bytes = typeof content === "string" ? encode(content) : content;
    const digest = digestOf(bytes, algorithm);
    const upload = await this.startUpload(repository);
    const headers = { "Content-Type": "application/octet-stream", "Content-Length": String(bytes.length) };
    expect(await this.send("PUT", withQuery(upload, `digest=${digest}`), { body: bytes, headers }), 201);
    return digest;
  }

  /** Pushes a blob, and gives its descriptor. */
  async blob(mediaType: string, content: string): Promise<Descriptor> {
    return { mediaType, digest: await this.push(content), size: encode(content).length };
  }

  /** Pushes the parts of an image, and gives its manifest. */
  async image(seed: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const configFile = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] }, author: seed };
    const config = await this.blob(CONFIG, JSON.stringify(configFile));
    return { schemaVersion: 2, mediaType: IMAGE, config, layers: [await this.blob(LAYER, `layer ${seed}`)], ...more };
  }

  /** Pushes a manifest under a reference, by default its digest, and checks what the answer has to say. */
  async putManifest(value: Record<string, unknown>, reference?: string): Promise<Descriptor & { answer: Answer }> {
    const bytes = encode(JSON.stringify(value));
    const digest = digestOf(bytes, reference?.startsWith("sha512:") ? "sha512" : "sha256");
    const mediaType = String(value.mediaType);
    const headers = { "Content-Type": mediaType };
    const answer = await this.send("PUT", `manifests/${reference ?? digest}`, { body: bytes, headers });
    expect(answer, 201);
    location(answer);
    return { mediaType, digest, size: bytes.length, answer };
  }

  /** Pulls a manifest, by GET and HEAD, and checks that it is what was pushed. */
  async assertManifest(value: Record<string, unknown>, reference: string): Promise<void> {
    const bytes = encode(JSON.stringify(value));
    const headers = { Accept: [IMAGE, INDEX].join(", ") };
    const got = expect(await this.send("GET", `manifests/${reference}`, { headers }), 200);
    assert(sameBytes(got.bytes, bytes), got, "the bytes are not those that were pushed");
    assert(
      got.headers.get("Content-Type") === value.mediaType,
      got,
      `Content-Type is ${got.headers.get("Content-Type")}`,
    );
    const head = expect(await this.send("HEAD", `manifests/${reference}`, { headers }), 200);
    const digest = head.headers.get("Docker-Content-Digest");
    const digests = [digestOf(bytes), digestOf(bytes, "sha512")];
    assert(digest === null || digests.includes(digest), head, `Docker-Content-Digest is ${digest}`);
  }
}

/** Fails unless an answer has one of the statuses. */
export function expect(answer: Answer, ...statuses: number[]): Answer {
  assert(statuses.includes(answer.status), answer, `the status is ${answer.status}, not ${statuses.join(" or ")}`);
  return answer;
}

/** Fails unless something holds of an answer. */
export function assert(holds: boolean, { line }: { line: string }, message: string): asserts holds {
  if (!holds) throw new Deviation(`${line}: ${message}`);
}

/** Skips the rest of a check if a response shows that the registry does not support it. */
export function skipUnless(offered: boolean, reason: string): asserts offered {
  if (!offered) throw new Skipped(reason);
}

/** Fails unless an answer refuses with a body as the specification has it, and one of the codes. */
export function expectError(answer: Answer, statuses: number[], codes: string[]): void {
  expect(answer, ...statuses);
  const text = new TextDecoder().decode(answer.bytes);
  let found: unknown;
  try {
    found = JSON.parse(text).errors[0].code;
  } catch {
    throw new Deviation(`${answer.line}: the body is no list of errors: ${text.slice(0, 100)}`);
  }
  assert(codes.includes(String(found)), answer, `the code is ${found}, not ${codes.join(" or ")}`);
}

/** The header `Location`, which has to be there. */
export function location(answer: Answer): string {
  const value = answer.headers.get("Location");
  assert(value !== null, answer, "there is no Location");
  return value;
}

/** A URL with one more parameter. */
export function withQuery(url: string, query: string): string {
  return url + (url.includes("?") ? "&" : "?") + query;
}

export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

export function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** The body as JSON. */
export function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(answer.bytes));
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
