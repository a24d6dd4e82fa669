// Requests on their way to a registry in memory, and its answers in one piece, for servers that change them.

import type { RegistryHandler } from "../../src/registry/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import type { FakeAnswer, FakeRequest } from "./messages.ts";

/** An answer in memory. */
export interface WholeAnswer extends FakeAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
}

/** A request in memory. */
export interface WholeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly bytes: Bytes;
}

/** Asks a registry, without credentials. */
export async function askRegistry(registry: RegistryHandler, request: WholeRequest): Promise<WholeAnswer> {
  const { method, path, bytes } = request;
  const headers = new Headers(request.headers);
  headers.delete("authorization");
  const hasBody = method !== "GET" && method !== "HEAD";
  const response = await registry.fetch(`http://registry${path}`, { method, headers, ...(hasBody && { body: bytes }) });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** An answer of JSON or of nothing. */
export function inMemory(status: number, headers: Readonly<Record<string, string>> = {}, body?: unknown): WholeAnswer {
  if (body === undefined) return { status, headers, body: new Uint8Array() };
  return { status, headers: { "content-type": "application/json", ...headers }, body: jsonBytes(body) };
}

/** What a request asks for. */
export type Asked =
  | "ping"
  | "token"
  | "cdn"
  | "catalog"
  | "upload"
  | "tags"
  | "manifest"
  | "blob"
  | "referrers"
  | "other";

/** Returns what a request asks for. */
export function askedOf({ url: { pathname } }: Pick<FakeRequest, "url">): Asked {
  if (pathname === "/v2/" || pathname === "/v2") return "ping";
  if (pathname === "/token") return "token";
  if (pathname.startsWith("/cdn/")) return "cdn";
  if (pathname === "/v2/_catalog") return "catalog";
  if (/\/blobs\/uploads\//.test(pathname)) return "upload";
  const room = /\/(tags|manifest|blob|referrers)s?\/[^/]*$/.exec(pathname)?.[1];
  return room === undefined ? "other" : room as Asked;
}
