import { anonymous, type Authenticator, type Keychain } from "../../authn/mod.ts";
import { GcraneError, HttpError, NetworkError } from "../../errors.ts";
import { type DigestReference, parseRegistry, type Registry, type Repository } from "../../name/mod.ts";
import { Puller } from "../../remote/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { Connection, type TransportOptions } from "../../transport/mod.ts";

/** Options of a pull-through cache. */
export interface ProxyOptions {
  /** The registry to pull from: its host, or its URL. `docker.io` is Docker Hub, with its `library/`. */
  upstream: string;
  /**
   * The credentials to show the upstream, to which every client of the cache pulls with them.
   * @default none
   */
  keychain?: Keychain;
  /**
   * For how many seconds a tag is taken to point where it did, before the upstream is asked again.
   * @default 300
   */
  ttl?: number;
  /**
   * Reaches the upstream.
   * @default the runtime's
   */
  fetch?: typeof fetch;
  /**
   * Whether the upstream may be reached over plain HTTP, or with any certificate.
   * @default only where its URL says http, or the host is a local one
   */
  insecure?: boolean;
}

/** How long the upstream is left in peace after it did not answer, where there is something to serve without it. */
const REST_MS = 5_000;

/** The upstream of a pull-through cache. */
export class Upstream {
  /** Reads from it. */
  readonly puller: Puller;
  /** Asks it for lists. */
  readonly connection: Connection;
  /** For how long a tag holds, in milliseconds. */
  readonly ttlMs: number;
  readonly #registry: Registry;
  readonly #clock: () => number;
  #restsUntil = 0;

  /** Makes it; nothing is sent yet. @throws {NameError} when the upstream is no registry. */
  constructor(options: ProxyOptions, clock: () => number) {
    const { host, isHttp } = hostOf(options.upstream);
    this.#registry = parseRegistry(host, { insecure: options.insecure || isHttp });
    this.#clock = clock;
    this.ttlMs = (options.ttl ?? 300) * 1000;
    const transport: TransportOptions = {
      fetch: options.fetch,
      keychain: options.keychain ?? { resolve: (): Promise<Authenticator> => Promise.resolve(anonymous) },
      insecure: options.insecure,
      retry: { attempts: 2 },
    };
    this.puller = new Puller(transport);
    this.connection = new Connection(this.#registry, transport);
  }

  /** A repository of the upstream; Docker Hub's `library/` is added where it is implied. */
  repository(name: string): Repository {
    return this.#registry.repository(name);
  }

  /**
   * Makes the reference to what a digest names in a repository, by SHA-256 or SHA-512. The digest has been checked, so it
   * is not parsed again, which `Repository.digest` does for SHA-256 alone.
   */
  digest(name: string, digest: Hash): DigestReference {
    const repository = this.repository(name);
    const text = `${repository.name}@${digest}`;
    const { registry } = repository;
    return { kind: "digest", registry, repository, identifier: digest, name: text, toString: () => text };
  }

  /** Whether it did not answer a moment ago. */
  get rests(): boolean {
    return this.#clock() < this.#restsUntil;
  }

  /** Takes note of a failure, and says whether the upstream is to blame: it does not answer, or not now. */
  isDown(error: unknown): boolean {
    const isDown = error instanceof NetworkError ||
      (error instanceof HttpError && (error.status >= 500 || error.status === 429 || error.status === 408)) ||
      (error instanceof DOMException && error.name === "TimeoutError");
    if (isDown) this.#restsUntil = this.#clock() + REST_MS;
    return isDown;
  }
}

/** Whether the upstream says that it does not have something. */
export function isAbsent(error: unknown): boolean {
  return error instanceof HttpError && error.status === 404;
}

/** Whether the upstream says that it gives us nothing. */
export function isRefused(error: unknown): boolean {
  return error instanceof HttpError && (error.status === 401 || error.status === 403) ||
    error instanceof GcraneError && error.code === "AUTH_FAILED";
}

/** Reads `docker.io`, `https://registry.example.com/` or `http://127.0.0.1:5000`. */
function hostOf(upstream: string): { host: string; isHttp: boolean } {
  const match = /^(?:(https?):\/\/)?([^/]+)\/*$/.exec(upstream);
  if (!match) throw new TypeError(`${JSON.stringify(upstream)} is neither the host of a registry nor its URL`);
  const [, scheme, host] = match;
  return { host: host === "registry-1.docker.io" ? "index.docker.io" : host, isHttp: scheme === "http" };
}
