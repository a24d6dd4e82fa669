import { createHash } from "node:crypto";
import { assert, assertEquals } from "@std/assert";

export type Bytes = Uint8Array<ArrayBuffer>;
export type Digest = `${"sha256" | "sha512"}:${string}`;

/** A registry under test. */
export interface RegistryUnderTest {
  /** Reaches it: the global `fetch`, or the registry's own. */
  fetch: (input: string, init?: RequestInit) => Promise<Response>;
  /** Its root, without a slash at the end. */
  base: string;
  /** Stops it. */
  close?: () => Promise<void>;
}

/** An answer that was read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Bytes;
  /** The body as text. */
  text: string;
}

/** What a request carries. */
export interface RequestParts {
  body?: Bytes | string | ReadableStream<Bytes>;
  headers?: Record<string, string>;
}

export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
export const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
export const EMPTY_JSON = "application/vnd.oci.empty.v1+json";

/** The fields of a descriptor. */
export interface TestDescriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  [field: string]: unknown;
}

/** Talks to a registry and checks what holds of every answer. */
export class RegistryClient {
  readonly #tested: RegistryUnderTest;

  constructor(tested: RegistryUnderTest) {
    this.#tested = tested;
  }

  /** Sends a request; a path or a `Location` may be given. */
  async send(method: string, path: string, parts: RequestParts = {}): Promise<Answer> {
    const { body, headers } = parts;
    const response = await this.#tested.fetch(new URL(path, this.#tested.base).href, {
      method,
      headers,
      body: typeof body === "string" ? encode(body) : body,
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    } as RequestInit);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const answer = { status: response.status, headers: response.headers, bytes, text: new TextDecoder().decode(bytes) };
    checkAnswer(method, answer);
    return answer;
  }

  /** Starts an upload session and gives its URL. */
  async startUpload(name: string, query = ""): Promise<string> {
    const answer = await this.send("POST", `/v2/${name}/blobs/uploads/${query}`);
    assertEquals(answer.status, 202);
    return location(answer);
  }

  /** Pushes a blob in one request. */
  async pushBlob(name: string, bytes: Bytes | string, algorithm: "sha256" | "sha512" = "sha256"): Promise<Digest> {
    const body = typeof bytes === "string" ? encode(bytes) : bytes;
    const digest = digestOf(body, algorithm);
    const answer = await this.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body });
    assertEquals(answer.status, 201, answer.text);
    return digest;
  }

  /** Pushes a blob and gives its descriptor. */
  async blob(name: string, mediaType: string, bytes: Bytes | string): Promise<TestDescriptor> {
    const size = typeof bytes === "string" ? encode(bytes).length : bytes.length;
    return { mediaType, digest: await this.pushBlob(name, bytes), size };
  }

  /** Pushes a manifest, by its digest unless a tag is named, and gives its descriptor. */
  async pushManifest(name: string, value: Record<string, unknown>, tag?: string): Promise<TestDescriptor> {
    const bytes = encode(JSON.stringify(value));
    const digest = digestOf(bytes);
    const mediaType = value.mediaType as string;
    const answer = await this.send("PUT", `/v2/${name}/manifests/${tag ?? digest}`, {
      body: bytes,
      headers: { "Content-Type": mediaType },
    });
    assertEquals(answer.status, 201, answer.text);
    return { mediaType, digest, size: bytes.length };
  }

  /** Pushes the parts of an image and gives its manifest, which is not pushed. */
  async image(name: string, seed: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const configFile = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] }, seed };
    const config = await this.blob(name, CONFIG, JSON.stringify(configFile));
    const layer = await this.blob(name, LAYER, `layer of ${seed}`);
    return { schemaVersion: 2, mediaType: IMAGE, config, layers: [layer], ...more };
  }

  /** Pushes an image and gives its descriptor. */
  async pushImage(name: string, seed: string, tag?: string): Promise<TestDescriptor> {
    return await this.pushManifest(name, await this.image(name, seed), tag);
  }
}

/** Checks the rules for every response: it has a type and a length, and an error has a reason. */
function checkAnswer(method: string, { status, headers, bytes, text }: Answer): void {
  assertEquals(headers.get("Docker-Distribution-API-Version"), "registry/2.0");
  if (status === 304) return assertEquals(bytes.length, 0);
  assert(headers.get("Content-Type"), `${status} without Content-Type`);
  if (method === "HEAD") assertEquals(bytes.length, 0);
  else if (status !== 204) assertEquals(headers.get("Content-Length"), String(bytes.length), `${status}: ${text}`);
  if (status < 400 || method === "HEAD") return;
  assertEquals(headers.get("Content-Type"), "application/json");
  const { errors } = JSON.parse(text);
  assert(errors.length > 0);
  for (const error of errors) {
    assert(/^[A-Z_]+$/.test(error.code), text);
    assertEquals(typeof error.message, "string");
  }
}

/** The codes of an error body. */
export function codes(answer: Answer): string[] {
  return JSON.parse(answer.text).errors.map((error: { code: string }) => error.code);
}

/** Checks that a request was refused. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assertEquals([answer.status, ...new Set(codes(answer))], [status, code], answer.text);
}

/** The header `Location`. */
export function location(answer: Answer): string {
  const location = answer.headers.get("Location");
  assert(location, "no Location");
  return location;
}

/** A URL with one more parameter. */
export function withQuery(url: string, query: string): string {
  return url + (url.includes("?") ? "&" : "?") + query;
}

/** The digest of bytes, computed by another way than the one under test. */
export function digestOf(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** UTF-8. */
export function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}
