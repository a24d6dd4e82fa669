import { Hono } from "hono";
import { StoreError } from "../errors.ts";
import { openAccess, type RegistryAccess } from "./access/access.ts";
import type { RegistryContext, RegistryEnv } from "./http/context.ts";
import { crossOrigin } from "./http/cross_origin.ts";
import { Exchange, type RequestContext, type RequestRecord } from "./http/exchange.ts";
import { healthCheck } from "./http/health.ts";
import { memoryStore } from "./stores/memory_store.ts";
import { Metrics } from "./http/metrics.ts";
import { pageRoutes } from "./page/page.ts";
import { PullThrough } from "./cache/pull_through.ts";
import { named } from "./http/middleware.ts";
import { refuse, replyJson } from "./http/reply.ts";
import { apiRoutes, nothingHere, routedPath } from "./http/routes.ts";
import { Repositories } from "./content/repositories.ts";
import type { RegistryStore } from "./stores/store.ts";
import { UsageCount } from "./http/usage_count.ts";
import { UploadSessions } from "./content/upload_sessions.ts";
import type { ProxyOptions } from "./cache/upstream.ts";

/** Options of {@linkcode createRegistry}. */
export interface RegistryOptions {
  /**
   * The store of the content.
   * @default a new store in memory
   */
  store?: RegistryStore;
  /**
   * The access control; see {@linkcode basicAccess} and {@linkcode tokenAccess}.
   * @default every client may do everything
   */
  access?: RegistryAccess;
  /**
   * Makes the registry a pull-through cache, which fetches missing content from another registry and keeps it. Nothing can
   * be pushed to it.
   * @default none
   */
  proxy?: ProxyOptions;
  /**
   * Whether every request that writes is refused with 405.
   * @default false
   */
  readOnly?: boolean;
  /**
   * Whether manifests may name content that their repository does not have, such as an index whose other images are
   * elsewhere. Clients can't pull all of such an image.
   * @default false
   */
  allowSparse?: boolean;
  /**
   * Whether a GET of a blob of 64 KiB or more is answered with a redirect to a signed URL of the bucket, which is valid
   * for five minutes, instead of with its bytes. Clients must reach the bucket's endpoint, and verify the bytes. A store
   * without such URLs sends the bytes: only `s3Store`, and `r2Store` with `signedUrls`, has them.
   * @default false
   */
  redirect?: boolean;
  /**
   * Whether there is a web page at `/` to browse the content; it works without scripts.
   * @default false
   */
  page?: boolean;
  /**
   * Whether numbers for Prometheus are at `/metrics`. Every client can read them; they name no repository.
   * @default true
   */
  metrics?: boolean;
  /**
   * Returns the time, in milliseconds since 1970.
   * @default Date.now
   */
  clock?: () => number;
  /**
   * The largest size of a manifest in bytes; a larger one is refused with 413.
   * @default 4194304
   */
  manifestLimit?: number;
  /**
   * The origins whose scripts may use the registry in a browser, such as `https://app.example.com`; `*` is every origin.
   * @default none
   */
  cors?: readonly string[];
  /**
   * Called with each request when it is over, for a log.
   * @default nothing
   */
  onRequest?: (record: RequestRecord) => void;
  /**
   * Called with each failure that is not the client's: one that was answered with 500, such as a full disk, and, without a
   * request, one that cut off a response of `serveRegistry`, such as a spoilt blob.
   * @default nothing
   */
  onError?: (error: unknown, request?: Request) => void;
}

/** A registry as a function from requests to responses. */
export interface RegistryHandler {
  /**
   * Answers a request to any host. It takes the arguments of the global `fetch`, so that a client can use it in its place,
   * without a socket. It can also be the handler of `Deno.serve` and `Bun.serve`, and the `fetch` of a Worker; the
   * arguments that these pass beside the request are ignored.
   */
  readonly fetch: (input: Request | URL | string, init?: RequestInit) => Promise<Response>;
  /** Answers a request with facts about it that are not in it. */
  readonly handle: (request: Request, context?: RequestContext) => Promise<Response>;
}

/** The size that the distribution-spec asks registries to take ("Pushing Manifests"). */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/**
 * Makes a registry that speaks the OCI distribution-spec 1.1 and Google's extension of the list of tags. Besides `/v2/`
 * it answers `/healthz` and `/metrics`, with `tokenAccess` also `/token`, and with `page` also `/` and `/browse/`.
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
export function createRegistry(options: RegistryOptions = {}): RegistryHandler {
  const { store = memoryStore(), access = openAccess, clock = Date.now, metrics: shown = true } = options;
  const { readOnly = false, redirect = false, allowSparse = false, cors = [] } = options;
  const { manifestLimit = MANIFEST_LIMIT } = options;
  const context: RegistryContext = {
    store,
    repositories: new Repositories(store, clock, { readOnly }),
    sessions: new UploadSessions(store, clock),
    readOnly,
    allowSparse,
    redirect,
    clock,
    manifestLimit,
  };
  const metrics = shown ? new Metrics() : undefined;
  const onError = (error: unknown, request: Request) => {
    metrics?.countFailure();
    options.onError?.(error, request);
  };
  const pullThrough = options.proxy && new PullThrough(context, { ...options.proxy, onError });
  // Hono routes and runs the middleware. Of its own middleware only `cors` is used: `basicAuth` knows no limit for wrong passwords
  // and no anonymous users, `bodyLimit` wraps a body that is read with a limit anyway, and `jwk` takes no clock.
  const app = new Hono<RegistryEnv>({ getPath: (_, env) => routedPath((env as { env: Exchange }).env.url) });
  if (cors.length > 0) app.use("*", crossOrigin(cors));
  app.route("/", apiRoutes({ context, access, pullThrough }));
  if (options.page) app.route("/", pageRoutes({ context, access }));
  const checkHealth = healthCheck(context);
  app.get("/healthz", named("health"), async (c) => {
    const { signal } = c.env.request;
    try {
      await checkHealth({ signal });
      return replyJson({ status: "ok" }, { headers: { "Cache-Control": "no-store" } });
    } catch (error) {
      if (!signal.aborted) onError(error, c.env.request);
      return refuse(503, "UNKNOWN", { message: "the store does not answer; the log has the reason" });
    }
  });
  if (metrics) {
    const usage = new UsageCount(store, { clock, onError: (error) => options.onError?.(error) });
    app.get("/metrics", named("metrics"), () => metrics.answer(usage.current()));
  }
  app.notFound(async (c) => {
    const { request, url, context: { address } } = c.env;
    const response = await access.serve?.({ request, url, address });
    if (!response) return nothingHere();
    c.env.route = "token";
    return response;
  });
  app.onError((error, c) => {
    const { request } = c.env;
    // A client that left is not a failure, but an error of the store is.
    if (error instanceof StoreError || !request.signal.aborted) onError(error, request);
    return refuse(500, "UNKNOWN", { message: "the registry failed; its log has the reason" });
  });

  const handle = async (request: Request, known: RequestContext = {}): Promise<Response> => {
    const exchange = new Exchange(request, known);
    const started = clock();
    metrics?.begin();
    const response = await app.fetch(request, exchange);
    return exchange.observed(response, {
      started,
      clock,
      report(record) {
        metrics?.end(record);
        options.onRequest?.(record);
      },
    });
  };
  return {
    handle,
    fetch: (input, init) => handle(input instanceof Request && !isRequestInit(init) ? input : new Request(input, init)),
  };
}

const INIT_FIELDS = ["method", "headers", "body", "signal", "duplex", "redirect"];

/** Returns whether a value is the second argument of `fetch`, and not what servers pass: an address, an environment. */
function isRequestInit(value: object | undefined): boolean {
  return value !== undefined && INIT_FIELDS.some((field) => field in value);
}
