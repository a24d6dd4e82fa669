import { createRegistry, type ProxyOptions, type RegistryOptions } from "../../../src/registry/mod.ts";
import { type Bytes, RegistryClient } from "../../contracts/registry_client.ts";
import { until } from "../../make/waiting.ts";

export const base = "http://cache.example.com";
export const MB = 1024 * 1024;

/** An upstream that counts its requests, can be down, and delays blobs on demand. */
export class Origin {
  /** Method and path of each request to it, pings and tokens left out. */
  requests: string[] = [];
  /** What it answers instead of anything else. */
  fault: (() => Response | Promise<Response>) | undefined;
  /** Called before each chunk of a blob. */
  beforeChunk: (() => Promise<void>) | undefined;
  /** Changes a chunk on its way. */
  spoil: ((chunk: Bytes) => Bytes) | undefined;
  readonly client: RegistryClient;
  readonly #registry;

  constructor(options: RegistryOptions = {}) {
    this.#registry = createRegistry(options);
    this.client = new RegistryClient({ fetch: this.#registry.fetch, base: "https://origin.example.com" });
  }

  readonly fetch = (async (input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    if (/\/v2\/./.test(url.pathname)) this.requests.push(`${method} ${url.pathname}${url.search}`);
    if (this.fault) return await this.fault();
    const response = await this.#registry.fetch(input, init);
    if (!response.body || !url.pathname.includes("/blobs/")) return response;
    return new Response(this.#inPieces(response.body), response);
  }) as typeof fetch;

  #inPieces(body: ReadableStream<Bytes>): ReadableStream<Bytes> {
    const reader = body.getReader();
    let rest: Bytes | undefined;
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        if (!rest?.length) rest = (await reader.read()).value;
        if (!rest) return controller.close();
        await this.beforeChunk?.();
        const piece = rest.slice(0, 256 * 1024);
        rest = rest.subarray(piece.length);
        controller.enqueue(this.spoil?.(piece) ?? piece);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** What was asked since this was called last. */
  asked(): string[] {
    return this.requests.splice(0);
  }
}

/** A cache of an origin. */
export function cacheOf(
  origin: Origin,
  { proxy, ...options }: Omit<RegistryOptions, "proxy"> & { proxy?: Partial<ProxyOptions> } = {},
) {
  const errors: unknown[] = [];
  const registry = createRegistry({
    onError: (error) => errors.push(error),
    ...options,
    proxy: { upstream: "origin.example.com", fetch: origin.fetch, ...proxy },
  });
  return { ...registry, errors, client: new RegistryClient({ fetch: registry.fetch, base }) };
}

/** Asks for a blob until it comes from the store: it gets there just after the first client has it. */
export async function untilKept(client: RegistryClient, path: string): Promise<void> {
  await until(async () => status((await client.send("GET", path)).headers) === HIT, { what: `${path} in the store` });
}

export const status = (headers: Headers) => headers.get("Cache-Status");
export const HIT = "gcrane; hit";
export const MISS = "gcrane; fwd=miss; stored";
export const STALE = 'gcrane; hit; fwd=stale; detail="the upstream does not answer"';
