import { type Context, Hono } from "hono";
import { type Hash, isHash } from "../../spec/mod.ts";
import { CATALOG, type RegistryAccess } from "../access/access.ts";
import type { PullThrough } from "../cache/pull_through.ts";
import { deleteBlob, serveBlob } from "./blobs.ts";
import type { RegistryContext, RegistryEnv, RepositoryRequest } from "./context.ts";
import { listRepositories, listTags } from "./listings.ts";
import { deleteManifest, putManifest, serveManifest } from "./manifests.ts";
import { type Middleware, named, permission, repositoryPermission } from "./middleware.ts";
import { listReferrers } from "./referrers.ts";
import { digestInvalid, refuse, replyJson } from "./reply.ts";
import { appendToUpload, beginUpload, cancelUpload, closeUpload, uploadStatus } from "./uploads.ts";

/** Options of {@linkcode apiRoutes}. */
export interface ApiOptions {
  /** The parts of the registry. */
  readonly context: RegistryContext;
  /** The access control. */
  readonly access: RegistryAccess;
  /** The pull-through cache, if the registry is one; it then refuses pushes. */
  readonly pullThrough?: PullThrough;
}

type Handler = (c: Context<RegistryEnv>) => Response | Promise<Response>;

/** The handlers of a path by method; HEAD is answered as GET. */
type Handlers = Readonly<Partial<Record<"GET" | "POST" | "PATCH" | "PUT" | "DELETE", Handler>>>;

/** Makes the routes under `/v2/` (distribution-spec, "Endpoints"). */
export function apiRoutes({ context, access, pullThrough }: ApiOptions): Hono<RegistryEnv> {
  const app = new Hono<RegistryEnv>();
  const isReadOnly = context.readOnly || pullThrough !== undefined;

  const add = (path: string, checks: readonly Middleware[], handlers: Handlers) => {
    const allowed = Object.entries(handlers).filter(([method]) => method === "GET" || !isReadOnly);
    app.use(path, ...checks);
    for (const [method, handler] of allowed) app.on(method, path, handler);
    app.all(path, (c) => {
      if (isReadOnly && c.req.method in handlers) return unwritable(allowed.map(([method]) => method));
      return methodUnknown(allowed.map(([method]) => method));
    });
  };
  const unwritable = (methods: readonly string[]) =>
    refuse(405, "UNSUPPORTED", {
      message: pullThrough
        ? "this registry is a cache of another one: nothing can be pushed to it or deleted from it"
        : "this registry is read-only",
      headers: { "Allow": methods.join(", ") },
    });
  const addBelow = (kind: string, path: string, handlers: Handlers) => {
    const isUpload = path.startsWith("/blobs/uploads");
    const keptName = (name: string) => pullThrough?.nameOf(name) ?? name;
    const checks = [named(kind), repositoryPermission(access, { isUpload, keptName })];
    if (path.endsWith("/:digest")) checks.push(digestIsValid);
    add(below(path), checks, handlers);
  };

  for (const path of ["/v2", "/v2/"]) {
    add(path, [named("base"), permission(access, [])], { GET: () => replyJson({}) });
  }
  add("/v2/_catalog", [named("catalog"), permission(access, [CATALOG])], {
    GET: (c) => listRepositories(context, c.env),
  });

  const source = pullThrough ?? localSource(context);
  addBelow("tags", "/tags/list", { GET: (c) => source.tags(c.var.asked) });
  addBelow("referrers", "/referrers/:digest", { GET: (c) => source.referrers(c.var.asked, digestOf(c)) });
  addBelow("manifest", "/manifests/:reference", {
    GET: (c) => source.manifest(c.var.asked, c.req.param("reference")!),
    PUT: (c) => putManifest(context, c.var.asked, c.req.param("reference")!),
    DELETE: (c) => deleteManifest(context, c.var.asked, c.req.param("reference")!),
  });
  for (const path of ["/blobs/uploads", "/blobs/uploads/"]) {
    addBelow("uploads", path, { POST: (c) => beginUpload(context, c.var.asked) });
  }
  addBelow("upload", "/blobs/uploads/:id", {
    GET: (c) => uploadStatus(context, c.var.asked, c.req.param("id")!),
    PATCH: (c) => appendToUpload(context, c.var.asked, c.req.param("id")!),
    PUT: (c) => closeUpload(context, c.var.asked, c.req.param("id")!),
    DELETE: (c) => cancelUpload(context, c.var.asked, c.req.param("id")!),
  });
  addBelow("blob", "/blobs/:digest", {
    GET: (c) => source.blob(c.var.asked, digestOf(c)),
    DELETE: (c) => deleteBlob(context, c.var.asked, digestOf(c)),
  });
  return app;
}

/**
 * Returns the path that a request is routed by. Only `%3A` is decoded, which some clients write for the colon of a digest;
 * any other percent sign stays as it is.
 */
export function routedPath({ pathname }: URL): string {
  return pathname.replaceAll(/%(3a)?/gi, (_, colon) => colon ? ":" : "%25");
}

/** Answers a request to an unknown path. */
export function nothingHere(): Response {
  return refuse(404, "UNSUPPORTED", { message: "there is nothing here; the registry's API starts at /v2/" });
}

/**
 * Makes the pattern of a path below a repository. The name of a repository may itself have a segment `blobs` or `tags`, so the
 * look-ahead finds its end from the end of the path.
 */
function below(path: string): string {
  const rest = path.replace(/:\w+/, "[^/]*");
  return `/v2/:name{.+(?=${rest}$)}${path.replace(/:\w+/, "$&{[^/]*}")}`;
}

/** Makes the handlers that answer from the store alone, in the place of a pull-through cache. */
function localSource(context: RegistryContext): Pick<PullThrough, "tags" | "referrers" | "manifest" | "blob"> {
  return {
    tags: (asked: RepositoryRequest) => listTags(context, asked),
    referrers: (asked: RepositoryRequest, subject: Hash) => listReferrers(context, asked, subject),
    manifest: (asked: RepositoryRequest, reference: string) => serveManifest(context, asked, reference),
    blob: (asked: RepositoryRequest, digest: Hash) => serveBlob(context, asked, digest),
  };
}

const digestIsValid: Middleware = async (c, next) => {
  if (!isHash(c.req.param("digest"))) return digestInvalid();
  await next();
};

/** Returns the digest in the path, which has been checked. */
function digestOf(c: Context<RegistryEnv>): Hash {
  return c.req.param("digest") as Hash;
}

function methodUnknown(allowed: readonly string[]): Response {
  return refuse(405, "UNSUPPORTED", {
    message: allowed.length === 0 ? "this path has no methods" : `the methods of this path are ${allowed.join(", ")}`,
    headers: { "Allow": allowed.join(", ") },
  });
}
