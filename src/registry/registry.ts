import { Hono } from "hono";
import { StoreError } from "../errors.ts";
import { Limits } from "../io/mod.ts";
import { openAccess, type RegistryAccess } from "./access/access.ts";
import type { RegistryContext, RegistryEnv } from "./http/context.ts";
import { Exchange, type RequestContext, type RequestRecord } from "./http/exchange.ts";
import { memoryStore } from "./stores/memory_store.ts";
import { Metrics } from "./http/metrics.ts";
import { pageRoutes } from "./page/page.ts";
import { PullThrough } from "./cache/pull_through.ts";
import { named } from "./http/middleware.ts";
import { refuse, replyJson } from "./http/reply.ts";
import { apiRoutes, nothingHere, routedPath } from "./http/routes.ts";
import { Repositories } from "./content/repositories.ts";
import type { RegistryStore } from "./stores/store.ts";
import { UploadSessions } from "./content/upload_sessions.ts";
import type { ProxyOptions } from "./cache/upstream.ts";

/** Options of {@linkcode createRegistry}. */
export interface RegistryOptions {
  /**
   * Where the content is kept.
   * @default a new store in memory
   */
  store?: RegistryStore;
  /**
   * Who may do what; see {@linkcode basicAccess} and {@linkcode tokenAccess}.
   * @default everybody may do everything
   */
  access?: RegistryAccess;
  /**
   * Makes the registry a pull-through cache: what it does not have it fetches from another registry and keeps. Nothing
   * can be pushed to it.
   * @default none
   */
  proxy?: ProxyOptions;
  /**
   * Whether every request that would change something is refused with 405.
   * @default false
   */
  readOnly?: boolean;
  /**
   * Whether there is a web page, at `/`, on which people look through what is here; it works without scripts.
   * @default false
   */
  page?: boolean;
  /**
   * Whether numbers for Prometheus are shown at `/metrics`. They are for everybody to see, and name no repository.
   * @default true
   */
  metrics?: boolean;
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
   * Called with each request when it is over, for a log.
   * @default nothing
   */
  onRequest?: (record: RequestRecord) => void;
  /**
   * Called with each failure that is not the client's: one that was answered with 500, a full disk for example, and when
   * serving, one that cut an answer short, a spoilt blob for example; then without the request.
   * @default nothing
   */
  onError?: (error: unknown, request?: Request) => void;
}

/** A registry as a function from requests to answers. */
export interface RegistryHandler {
  /**
   * Answers a request; any host will do. It takes what the global `fetch` takes, so it can be given to a client in its
   * place: then no socket is in between. It can be given to `Deno.serve` and `Bun.serve` too, and be the `fetch` of a
   * Worker; what these pass beside the request is not looked at.
   */
  readonly fetch: (input: Request | URL | string, init?: RequestInit) => Promise<Response>;
  /** Answers a request of which more is known than what it says itself. */
  readonly handle: (request: Request, context?: RequestContext) => Promise<Response>;
}

/**
 * Makes a registry that speaks the OCI distribution-spec 1.1 and Google's extension of the list of tags. Besides `/v2/`
 * it answers `/healthz` and `/metrics`, with tokens `/token`, and with a page `/` and `/browse/`.
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
  const { readOnly = false, manifestLimit = Limits.manifest } = options;
  const context: RegistryContext = {
    store,
    repositories: new Repositories(store, clock),
    sessions: new UploadSessions(store, clock),
    readOnly,
    clock,
    manifestLimit,
  };
  const metrics = shown ? new Metrics() : undefined;
  const onError = (error: unknown, request: Request) => {
    metrics?.countFailure();
    options.onError?.(error, request);
  };
  const pullThrough = options.proxy && new PullThrough(context, { ...options.proxy, onError });
  // Hono routes and runs the middleware. Its own middleware is not used: `basicAuth` knows no limit for wrong passwords
  // and no anonymous users, `bodyLimit` wraps a body that is read with a limit anyway, and `jwk` takes no clock.
  const app = new Hono<RegistryEnv>({ getPath: (_, env) => routedPath((env as { env: Exchange }).env.url) });
  app.route("/", apiRoutes({ context, access, pullThrough }));
  if (options.page) app.route("/", pageRoutes({ context, access }));
  app.get("/healthz", named("health"), async (c) => {
    const { signal } = c.env.request;
    try {
      await store.records.get("health/probe", { signal });
      return replyJson({ status: "ok" }, { headers: { "Cache-Control": "no-store" } });
    } catch (error) {
      if (!signal.aborted) onError(error, c.env.request);
      return refuse(503, "UNKNOWN", { message: "the store does not answer; the log has the reason" });
    }
  });
  if (metrics) app.get("/metrics", named("metrics"), () => metrics.answer());
  app.notFound(async (c) => {
    const { request, url, context: { address } } = c.env;
    const response = await access.serve?.({ request, url, address });
    if (!response) return nothingHere();
    c.env.route = "token";
    return response;
  });
  app.onError((error, c) => {
    const { request } = c.env;
    // A client that left is no failure, but that of the store stays one.
    if (error instanceof StoreError || !request.signal.aborted) onError(error, request);
    return refuse(500, "UNKNOWN", { message: "the registry failed; its log has the reason" });
  });

  const handle = async (request: Request, known: RequestContext = {}): Promise<Response> => {
    const exchange = new Exchange(request, known);
    const started = clock();
    metrics?.begin();
    const response = await app.fetch(request, exchange);
    return exchange.told(response, {
      started,
      clock,
      tell(record) {
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

/** Whether it is what `fetch` takes beside a request, and not what servers pass: an address, an environment. */
function isRequestInit(value: object | undefined): boolean {
  return value !== undefined && INIT_FIELDS.some((field) => field in value);
}
