import { observe } from "../../io/mod.ts";
import type { Bytes, ByteStream } from "../../runtime/mod.ts";

/** Facts about a request that are not in it. */
export interface RequestContext {
  /**
   * The address of the client; wrong passwords are counted by it.
   * @default unknown
   */
  address?: string;
  /**
   * Whether the client has reached a proxy in front of the server over HTTPS, so that its URLs start with `https:`.
   * @default false: the URL of the request has the scheme
   */
  isSecure?: boolean;
  /**
   * Keeps the server alive for work that outlasts the response, on hosts that would stop it: `ctx.waitUntil` on Workers.
   * @default such work needs no help
   */
  waitUntil?: (work: Promise<unknown>) => void;
}

/** How a pull-through cache got its answer. */
export type CacheOutcome = "hit" | "miss" | "stale";

/** A request that is over, for logs and metrics. It contains no secrets: neither the query nor the credentials. */
export interface RequestRecord {
  /** The time when it came, in milliseconds since 1970. */
  readonly time: number;
  /** The method. */
  readonly method: string;
  /** The path. */
  readonly path: string;
  /** The route of the path: `manifest`, `blob`, `upload`, … */
  readonly route: string;
  /** The status of the answer. */
  readonly status: number;
  /** The number of bytes of the request's body. */
  readonly bytesIn: number;
  /** The number of bytes of the response's body. */
  readonly bytesOut: number;
  /** The time until the last byte of the response, in milliseconds. */
  readonly ms: number;
  /** The address of the client, if it is known. */
  readonly address?: string;
  /** The signed-in user. */
  readonly user?: string;
  /** The `User-Agent` header. */
  readonly userAgent?: string;
  /** How the pull-through cache got the answer. */
  readonly cache?: CacheOutcome;
  /** Whether the response was cut off, because the client left or the store failed. */
  readonly cut?: true;
}

/** A request while it is answered. */
export class Exchange {
  /** The request. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** Facts about it that are not in it. */
  readonly context: RequestContext;
  /** The route of its path; set by the middleware. */
  route = "other";
  /** The signed-in user; set by the middleware. */
  user: string | undefined;
  /** How the cache got the answer; set by the cache. */
  cache: CacheOutcome | undefined;
  /** Whether the body of the response is streamed from a store or another server; set by the handler. */
  isStreamed = false;
  #body: ByteStream | null | undefined;
  #bytesIn = 0;

  /** Takes a request. */
  constructor(request: Request, context: RequestContext) {
    this.request = request;
    this.url = new URL(request.url);
    if (context.isSecure) this.url.protocol = "https:";
    this.context = context;
  }

  /** The body of the request, whose bytes are counted; it can be read once. */
  get body(): ByteStream | null {
    const { body } = this.request;
    this.#body ??= body && observe(body, {
      chunk: ({ length }) => {
        this.#bytesIn += length;
      },
    });
    return this.#body;
  }

  /**
   * Returns the response to send, and reports the request when its last byte has been sent. A response that is not
   * streamed counts as sent.
   */
  observed(
    response: Response,
    options: { started: number; clock: () => number; report: (record: RequestRecord) => void },
  ): Response {
    const { started, clock, report } = options;
    const { request } = this;
    const reportEnd = (bytesOut: number, cut: boolean) =>
      report({
        time: started,
        method: request.method,
        path: this.url.pathname.slice(0, 1000),
        route: this.route,
        status: response.status,
        bytesIn: this.#bytesIn,
        bytesOut,
        ms: clock() - started,
        ...defined({
          address: this.context.address,
          user: this.user,
          userAgent: request.headers.get("User-Agent")?.slice(0, 300),
          cache: this.cache,
        }),
        ...(cut && { cut }),
      });
    const { body } = response;
    if (!body || !this.isStreamed) {
      reportEnd(body && request.method !== "HEAD" ? Number(response.headers.get("Content-Length")) : 0, false);
      return response;
    }
    let bytesOut = 0;
    const counted = observe(body as ByteStream, {
      chunk: ({ length }: Bytes) => {
        bytesOut += length;
      },
      settled: (error) => reportEnd(bytesOut, error !== undefined),
    });
    return new Response(counted, response);
  }
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
