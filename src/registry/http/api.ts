import { isHash } from "../../spec/mod.ts";
import {
  type AccessScope,
  CATALOG,
  type RegistryAccess,
  type RegistryAction,
  type RegistryCaller,
  repositoryScope,
} from "../access/access.ts";
import { deleteBlob, serveBlob } from "./blobs.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { listReferrers, listRepositories, listTags } from "./listings.ts";
import { deleteManifest, putManifest, serveManifest } from "./manifests.ts";
import type { PullThrough } from "../cache/pull_through.ts";
import { digestInvalid, refuse, replyJson } from "./reply.ts";
import { isRepositoryName, parseRoute, type Route } from "./route.ts";
import { appendToUpload, beginUpload, cancelUpload, closeUpload, uploadStatus } from "./uploads.ts";

/** How a registry answers under `/v2/`. */
export interface ApiOptions {
  /** What the answers are made from. */
  readonly context: RegistryContext;
  /** Who may do what. */
  readonly access: RegistryAccess;
  /** Fetches what the store does not have, where this is a pull-through cache; then nothing can be pushed. */
  readonly pullThrough?: PullThrough;
}

/** Answers a request for something of a repository. */
type Handler = (context: RegistryContext, asked: RepositoryRequest) => Promise<Response>;

/** What can be done at a URL, by method; HEAD is done as GET. */
type Handlers = ReadonlyMap<string, Handler>;

type RepositoryRoute = Exclude<Route, { kind: "base" | "catalog" }>;

const READING = new Set(["GET", "HEAD"]);

/** Answers a request under `/v2/`. */
export async function answerApi(options: ApiOptions, exchange: Exchange): Promise<Response> {
  const { request: { method }, url } = exchange;
  const route = parseRoute(url.pathname);
  if (!route) return nothingHere();
  exchange.route = route.kind;
  if (route.kind === "base" || route.kind === "catalog") {
    const caller = await admit(options, exchange, { needs: route.kind === "base" ? [] : [CATALOG] });
    if (caller instanceof Response) return caller;
    if (!READING.has(method)) return methodUnknown(["GET"]);
    return route.kind === "base" ? replyJson({}) : await listRepositories(options.context, exchange);
  }
  return await answerRepository(options, exchange, route);
}

async function answerRepository(options: ApiOptions, exchange: Exchange, route: RepositoryRoute): Promise<Response> {
  const { context, pullThrough } = options;
  const readOnly = context.readOnly || pullThrough !== undefined;
  const { request, url } = exchange;
  const { method } = request;
  const { name } = route;
  if (!isRepositoryName(name)) return nameInvalid(name);
  const caller = await admit(options, exchange, {
    needs: [repositoryScope(name, ...actionsFor(method, route))],
    wishes: mountSource(url, route),
  });
  if (caller instanceof Response) return caller;
  const handlers = handlersOf(route, pullThrough);
  if (handlers instanceof Response) return handlers;
  const handler = handlers.get(method === "HEAD" ? "GET" : method);
  if (handler && (!readOnly || READING.has(method))) {
    return await handler(context, { exchange, request, url, name: pullThrough?.nameOf(name) ?? name, caller });
  }
  return methodUnknown([...handlers.keys()].filter((allowed) => !readOnly || READING.has(allowed)));
}

async function admit(
  { access }: ApiOptions,
  exchange: Exchange,
  asked: { needs: readonly AccessScope[]; wishes?: readonly AccessScope[] },
): Promise<RegistryCaller | Response> {
  const { request, url, context: { address } } = exchange;
  const caller = await access.admit({ request, url, address, ...asked });
  if (!(caller instanceof Response)) exchange.user = caller.user;
  return caller;
}

/** What a request needs to be allowed. Whoever pushes reads too: what is there is not sent again. */
function actionsFor(method: string, { kind }: RepositoryRoute): RegistryAction[] {
  if (kind === "uploads" || kind === "upload") return ["pull", "push"];
  if (READING.has(method)) return ["pull"];
  return method === "DELETE" ? ["delete"] : ["pull", "push"];
}

/** The repository that a blob is to be mounted from: a token that is good for it too makes that possible. */
function mountSource({ searchParams }: URL, { kind }: RepositoryRoute): AccessScope[] {
  const from = kind === "uploads" && searchParams.has("mount") ? searchParams.get("from") : null;
  return from !== null && isRepositoryName(from) ? [repositoryScope(from, "pull")] : [];
}

/** What can be done at a URL of a repository, or why there is no such URL. */
function handlersOf(route: RepositoryRoute, cache: PullThrough | undefined): Handlers | Response {
  switch (route.kind) {
    case "tags":
      return new Map<string, Handler>([["GET", (context, asked) => cache?.tags(asked) ?? listTags(context, asked)]]);
    case "referrers": {
      const { digest } = route;
      if (!isHash(digest)) return digestInvalid();
      return new Map<string, Handler>([
        ["GET", (context, asked) => cache?.referrers(asked, digest) ?? listReferrers(context, asked, digest)],
      ]);
    }
    case "manifest": {
      const { reference } = route;
      return new Map<string, Handler>([
        ["GET", (context, asked) => cache?.manifest(asked, reference) ?? serveManifest(context, asked, reference)],
        ["PUT", (context, asked) => putManifest(context, asked, reference)],
        ["DELETE", (context, asked) => deleteManifest(context, asked, reference)],
      ]);
    }
    case "blob": {
      const { digest } = route;
      if (!isHash(digest)) return digestInvalid();
      return new Map<string, Handler>([
        ["GET", (context, asked) => cache?.blob(asked, digest) ?? serveBlob(context, asked, digest)],
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

/** The answer where there is nothing. */
export function nothingHere(): Response {
  return refuse(404, "UNSUPPORTED", { message: "there is nothing here; the registry's API starts at /v2/" });
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
