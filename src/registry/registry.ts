import { Hono } from "hono";
import { Limits } from "../io/mod.ts";
import { isHash } from "../spec/mod.ts";
import { deleteBlob, serveBlob } from "./blobs.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import { listReferrers, listRepositories, listTags } from "./listings.ts";
import { deleteManifest, putManifest, serveManifest } from "./manifests.ts";
import { memoryStore } from "./memory_store.ts";
import { digestInvalid, refuse, replyJson } from "./reply.ts";
import { Repositories } from "./repositories.ts";
import { isRepositoryName, parseRoute, type Route } from "./route.ts";
import type { RegistryStore } from "./store.ts";
import { UploadSessions } from "./upload_sessions.ts";
import { appendToUpload, beginUpload, cancelUpload, closeUpload, uploadStatus } from "./uploads.ts";

/** Options of {@linkcode createRegistry}. */
export interface RegistryOptions {
  /**
   * Where the content is kept.
   * @default a new store in memory
   */
  store?: RegistryStore;
  /**
   * Whether every request that would change something is refused with 405.
   * @default false
   */
  readOnly?: boolean;
  /**
   * The time, in milliseconds since 1970, which manifests are marked with when they are pushed.
   * @default Date.now
   */
  clock?: () => number;
  /**
   * The most bytes that a manifest may have; a larger one is refused with 413.
   * @default 104857600
   */
  manifestLimit?: number;
  /**
   * Called with each failure that is not the client's: one that was answered with 500, a full disk for example, and when
   * serving, one that cut an answer short, a spoilt blob for example; then without the request.
   * @default nothing
   */
  onError?: (error: unknown, request?: Request) => void;
}

/** A registry as a function from requests to answers. */
export interface Registry {
  /**
   * Answers a request; any host will do. It takes what the global `fetch` takes, so it can be given to a client in its
   * place: then no socket is in between.
   */
  readonly fetch: (input: Request | URL | string, init?: RequestInit) => Promise<Response>;
}

/** Answers a request for something of a repository. */
type Handler = (context: RegistryContext, asked: RepositoryRequest) => Promise<Response>;

/** What can be done at a URL, by method; HEAD is done as GET. */
type Handlers = ReadonlyMap<string, Handler>;

const READING = new Set(["GET", "HEAD"]);

/**
 * Makes a registry that speaks the OCI distribution-spec 1.1 and Google's extension of the list of tags.
 *
 * @example
 * ```ts
 * import { createRegistry } from "@gcrane/gcrane/registry";
 *
 * const registry = createRegistry();
 * const response = await registry.fetch("http://registry.example.com/v2/");
 * console.log(response.status); // 200
 * ```
 */
export function createRegistry(options: RegistryOptions = {}): Registry {
  const { store = memoryStore(), readOnly = false, clock = Date.now, manifestLimit = Limits.manifest } = options;
  const context: RegistryContext = {
    store,
    repositories: new Repositories(store, clock),
    sessions: new UploadSessions(store, clock),
    readOnly,
    clock,
    manifestLimit,
  };
  const app = new Hono();
  app.all("/v2/*", (c) => answer(context, c.req.raw, readOnly));
  app.notFound(() => nothingHere());
  app.onError((error, c) => {
    if (!c.req.raw.signal.aborted) options.onError?.(error, c.req.raw); // a client that left is no failure
    return refuse(500, "UNKNOWN", { message: "the registry failed; its log says why" });
  });
  return {
    fetch: async (input, init) =>
      await app.fetch(input instanceof Request && init === undefined ? input : new Request(input, init)),
  };
}

async function answer(context: RegistryContext, request: Request, readOnly: boolean): Promise<Response> {
  const url = new URL(request.url);
  const route = parseRoute(url.pathname);
  if (!route) return nothingHere();
  const { method } = request;
  if (route.kind === "base") return READING.has(method) ? replyJson({}) : methodUnknown(["GET"]);
  if (route.kind === "catalog") {
    return READING.has(method) ? await listRepositories(context, request, url) : methodUnknown(["GET"]);
  }
  const { name } = route;
  if (!isRepositoryName(name)) return nameInvalid(name);
  const handlers = handlersOf(route);
  if (handlers instanceof Response) return handlers;
  const handler = handlers.get(method === "HEAD" ? "GET" : method);
  if (handler && (!readOnly || READING.has(method))) return await handler(context, { request, url, name });
  return methodUnknown([...handlers.keys()].filter((allowed) => !readOnly || READING.has(allowed)));
}

/** What can be done at a URL of a repository, or why there is no such URL. */
function handlersOf(route: Exclude<Route, { kind: "base" | "catalog" }>): Handlers | Response {
  switch (route.kind) {
    case "tags":
      return new Map([["GET", listTags]]);
    case "referrers": {
      const { digest } = route;
      if (!isHash(digest)) return digestInvalid();
      return new Map<string, Handler>([["GET", (context, asked) => listReferrers(context, asked, digest)]]);
    }
    case "manifest": {
      const { reference } = route;
      return new Map<string, Handler>([
        ["GET", (context, asked) => serveManifest(context, asked, reference)],
        ["PUT", (context, asked) => putManifest(context, asked, reference)],
        ["DELETE", (context, asked) => deleteManifest(context, asked, reference)],
      ]);
    }
    case "blob": {
      const { digest } = route;
      if (!isHash(digest)) return digestInvalid();
      return new Map<string, Handler>([
        ["GET", (context, asked) => serveBlob(context, asked, digest)],
        ["DELETE", (context, asked) => deleteBlob(context, asked, digest)],
      ]);
    }
    case "uploads":
      return new Map([["POST", beginUpload]]);
    case "upload": {
      const { id } = route;
      return new Map<string, Handler>([
        ["GET", (context, asked) => uploadStatus(context, asked, id)],
        ["PATCH", (context, asked) => appendToUpload(context, asked, id)],
        ["PUT", (context, asked) => closeUpload(context, asked, id)],
        ["DELETE", (context, asked) => cancelUpload(context, asked, id)],
      ]);
    }
  }
}

function nameInvalid(name: string): Response {
  return refuse(400, "NAME_INVALID", {
    message: "a repository's name has at most 255 characters: lower-case letters and digits, between them '/', '.', " +
      "'_', '__' or any number of '-'",
    detail: { name: name.slice(0, 300) },
  });
}

function methodUnknown(allowed: readonly string[]): Response {
  return refuse(405, "UNSUPPORTED", {
    message: allowed.length === 0 ? "this registry is read-only" : `what can be done here is ${allowed.join(", ")}`,
    headers: { "Allow": allowed.join(", ") },
  });
}

function nothingHere(): Response {
  return refuse(404, "UNSUPPORTED", { message: "there is nothing here; the registry's API starts at /v2/" });
}
