import { observe } from "../../io/mod.ts";
import type { Bytes, ByteStream } from "../../runtime/mod.ts";

/** What is known of a request besides what it says itself. */
export interface RequestContext {
  /**
   * The address of the client; wrong passwords are counted by it.
   * @default unknown
   */
  address?: string;
  /**
   * Keeps the server going for work that outlives the answer, on hosts that would stop it: `ctx.waitUntil` on Workers.
   * @default such work runs by itself
   */
  waitUntil?: (work: Promise<unknown>) => void;
}

/** How a pull-through cache came by an answer. */
export type CacheOutcome = "hit" | "miss" | "stale";

/** A request that is over, for logs and metrics. It holds no secrets: of the query only what the registry knows. */
export interface RequestRecord {
  /** When it came, in milliseconds since 1970. */
  readonly time: number;
  /** The method. */
  readonly method: string;
  /** The path. */
  readonly path: string;
  /** What the path asks for: `manifest`, `blob`, `upload`, … */
  readonly route: string;
  /** The status of the answer. */
  readonly status: number;
  /** How many bytes came with the request. */
  readonly bytesIn: number;
  /** How many bytes went with the answer. */
  readonly bytesOut: number;
  /** How long it took until the last byte of the answer, in milliseconds. */
  readonly ms: number;
  /** The address of the client, where it is known. */
  readonly address?: string;
  /** The user who signed in. */
  readonly user?: string;
  /** What the client says that it is. */
  readonly userAgent?: string;
  /** How the pull-through cache came by the answer. */
  readonly cache?: CacheOutcome;
  /** Whether the answer was cut off: the client left, or the store failed. */
  readonly cut?: true;
}

/** A request while it is answered. */
export class Exchange {
  /** The request. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** What else is known of it. */
  readonly context: RequestContext;
  /** What the path asks for; found on the way. */
  route = "other";
  /** Who asks; found on the way. */
  user: string | undefined;
  /** How the cache came by the answer. */
  cache: CacheOutcome | undefined;
  /** Whether the body of the answer comes from a store or another server, and takes its time. */
  isStreamed = false;
  #body: ByteStream | null | undefined;
  #bytesIn = 0;

  /** Begins it. */
  constructor(request: Request, context: RequestContext) {
    this.request = request;
    this.url = new URL(request.url);
    this.context = context;
  }

  /** The body of the request, counted; it can be read once. */
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
   * Gives the answer as it is to be sent, and tells how it went when its last byte is gone. An answer whose bytes are
   * at hand counts as sent.
   */
  told(
    response: Response,
    options: { started: number; clock: () => number; tell: (record: RequestRecord) => void },
  ): Response {
    const { started, clock, tell } = options;
    const { request } = this;
    const tellEnd = (bytesOut: number, cut: boolean) =>
      tell({
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
      tellEnd(body && request.method !== "HEAD" ? Number(response.headers.get("Content-Length")) : 0, false);
      return response;
    }
    let bytesOut = 0;
    const counted = observe(body as ByteStream, {
      chunk: ({ length }: Bytes) => {
        bytesOut += length;
      },
      settled: (error) => tellEnd(bytesOut, error !== undefined),
    });
    return new Response(counted, response);
  }
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
