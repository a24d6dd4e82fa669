import { anonymous, type Authenticator, type Keychain } from "../../authn/mod.ts";
import { GcraneError, HttpError, NetworkError } from "../../errors.ts";
import { parseRegistry, type Registry, type Repository } from "../../name/mod.ts";
import { Puller } from "../../remote/mod.ts";
import type { RegistryLookup, TransportOptions } from "../../transport/mod.ts";

/** Options of a pull-through cache. */
export interface ProxyOptions {
  /** The registry to pull from, as a host or a URL. `docker.io` is Docker Hub, with its `library/`. */
  upstream: string;
  /**
   * The credentials for the upstream, with which every client of the cache pulls.
   * @default none
   */
  keychain?: Keychain;
  /**
   * For how many seconds the cache trusts a tag before it asks the upstream again.
   * @default 300
   */
  ttl?: number;
  /**
   * Sends the requests to the upstream.
   * @default the runtime's
   */
  fetch?: typeof fetch;
  /**
   * Whether the upstream may be reached over plain HTTP, or with any certificate.
   * @default only if its URL has the scheme http, or its host is local
   */
  insecure?: boolean;
  /**
   * The private hosts that the upstream may send requests on to: `HOST`, or `HOST:PORT` for one port.
   * @default none
   */
  allowRedirects?: readonly string[];
  /**
   * Returns the machine's settings for the upstream: whether it is insecure or blocked, and its mirrors.
   * @default no settings
   */
  registries?: RegistryLookup;
}

/** How long the upstream is not asked again after a failure if the cache could answer without it, in milliseconds. */
const REST_MS = 5_000;

/** The upstream of a pull-through cache. */
export class Upstream {
  /** Reads from the upstream. */
  readonly puller: Puller;
  /** For how long the cache trusts a tag, in milliseconds. */
  readonly ttlMs: number;
  readonly #registry: Registry;
  readonly #clock: () => number;
  #restsUntil = 0;

  /** Makes the client of an upstream; nothing is sent yet. @throws {NameError} if it is not the name of a registry. */
  constructor(options: ProxyOptions, clock: () => number) {
    const { host, isHttp } = hostOf(options.upstream);
    this.#registry = parseRegistry(host, { insecure: options.insecure || isHttp });
    this.#clock = clock;
    this.ttlMs = (options.ttl ?? 300) * 1000;
    const transport: TransportOptions = {
      fetch: options.fetch,
      keychain: options.keychain ?? { resolve: (): Promise<Authenticator> => Promise.resolve(anonymous) },
      insecure: options.insecure,
      ...(options.allowRedirects && { allowRedirects: options.allowRedirects }),
      ...(options.registries && { registries: options.registries }),
      retry: { attempts: 2 },
    };
    this.puller = new Puller(transport);
  }

  /** Makes the name of a repository of the upstream, with Docker Hub's `library/` if that is implied. */
  repository(name: string): Repository {
    return this.#registry.repository(name);
  }

  /** Whether the upstream failed a moment ago. */
  get rests(): boolean {
    return this.#clock() < this.#restsUntil;
  }

  /** Returns whether an error means that the upstream does not answer, or not now, and notes the time. */
  isDown(error: unknown): boolean {
    const isDown = error instanceof NetworkError ||
      (error instanceof HttpError && (error.status >= 500 || error.status === 429 || error.status === 408)) ||
      (error instanceof DOMException && error.name === "TimeoutError");
    if (isDown) this.#restsUntil = this.#clock() + REST_MS;
    return isDown;
  }
}

/** Returns whether an error means that the upstream does not have the content. */
export function isAbsent(error: unknown): boolean {
  return error instanceof HttpError && error.status === 404;
}

/** Returns whether an error means that the upstream refuses access, or that the machine's settings block it. */
export function isRefused(error: unknown): boolean {
  return error instanceof HttpError && (error.status === 401 || error.status === 403) ||
    error instanceof GcraneError && (error.code === "AUTH_FAILED" || error.code === "REGISTRY_BLOCKED");
}

/** Reads `docker.io`, `https://registry.example.com/` or `http://127.0.0.1:5000`. */
function hostOf(upstream: string): { host: string; isHttp: boolean } {
  const match = /^(?:(https?):\/\/)?([^/]+)\/*$/.exec(upstream);
  if (!match) throw new TypeError(`${JSON.stringify(upstream)} is neither the host of a registry nor its URL`);
  const [, scheme, host] = match;
  return { host: host === "registry-1.docker.io" ? "index.docker.io" : host, isHttp: scheme === "http" };
}
