import { anonymous, type Keychain } from "../authn/mod.ts";
import { HttpError, NetworkError, type NetworkFailure, ProtocolError } from "../errors.ts";
import { fetchFor, redactUrl, type RegistryLookup, type Timeouts, userAgent } from "../http/mod.ts";
import {
  type AbortOptions,
  ATTEMPTS,
  isHeaderText,
  retry,
  type RetryOptions,
  type RetryVerdict,
  SharedWork,
} from "../io/mod.ts";
import type { Registry } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { answerableChallenge, type Challenge, demandedChallenge, responseChallenges } from "./challenge.ts";
import { discard, readBody, responseError } from "./check.ts";
import { CredentialSession, type Demand, type ExchangeContext } from "./credentials.ts";
import { type Ping, ping } from "./ping.ts";
import {
  type Answer,
  isNativeBody,
  type OutgoingRequest,
  type Patience,
  type RequestEvent,
  send,
  type SendOptions,
} from "./send.ts";
import { exchangeToken } from "./token.ts";
import { hostAndPort, mayAuthorize } from "./url_policy.ts";

/** Options of every connection to a registry. */
export interface TransportOptions {
  /**
   * Sends requests. A registry in memory can be given as its own `fetch`.
   * @default the runtime's, HTTP/2 off, through the proxies of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY
   */
  fetch?: typeof fetch;
  /**
   * Finds credentials.
   * @default anonymous requests
   */
  keychain?: Keychain;
  /**
   * Whether certificates that can't be verified are accepted.
   * @default false
   */
  insecure?: boolean;
  /**
   * Certificates of authorities in PEM, to trust in addition to the runtime's and to those of SSL_CERT_FILE and
   * SSL_CERT_DIR.
   * @default none
   */
  ca?: string;
  /**
   * The certificate of the client in PEM, followed by its chain.
   * @default none
   */
  cert?: string;
  /**
   * The private key of `cert` in PEM.
   * @default that in `cert`
   */
  key?: string;
  /**
   * The private hosts that a public registry may send requests on to, by a redirect, an upload's `Location` or the realm
   * of a token: `HOST`, or `HOST:PORT` for one port. A link-local address is always refused.
   * @default none: only a registry at a private address may name another one, of the same kind
   */
  allowRedirects?: readonly string[];
  /**
   * Returns the machine's settings for a registry or a repository: whether it is insecure or blocked, and its mirrors.
   * `machineRegistries()` reads them from containers' registries.conf.
   * @default no settings
   */
  registries?: RegistryLookup;
  /**
   * The name of the program that uses this package, put before the package's own in `User-Agent`.
   * @default nothing
   */
  userAgent?: string;
  /**
   * Returns further headers of the requests to the registry itself. They are not sent to a token server, nor to another
   * host after a redirect.
   * @default none
   */
  headers?: () => Promise<Readonly<Record<string, string>>>;
  /**
   * The retries of requests that failed for a passing reason.
   * @default four attempts, with growing waits
   */
  retry?: Omit<RetryOptions, "signal">;
  /**
   * How long to wait for the registry.
   * @default see {@linkcode Timeouts}
   */
  timeouts?: Timeouts;
  /**
   * Called for every request, with secrets redacted.
   * @default none
   */
  onRequest?: (event: RequestEvent) => void;
  /**
   * Awaited before each request is sent, to limit the rate.
   * @default none
   */
  pace?: (options: AbortOptions) => Promise<void>;
  /**
   * The time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
}

/** Returns the `fetch` of transport options. */
export function transportFetch({ fetch, insecure = false, ca, cert, key }: TransportOptions): typeof globalThis.fetch {
  return fetch ?? fetchFor({ insecureTls: insecure, ca, cert, key });
}

/** One request to a registry. */
export interface RegistryRequest {
  /** The method. */
  readonly method: string;
  /** A path from the registry's root, or a URL from the registry (an upload's `Location`). */
  readonly to: string | URL;
  /** The scopes of the token. */
  readonly scopes: readonly string[];
  /** The statuses that are not errors. */
  readonly expect: readonly number[];
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body. */
  readonly body?: OutgoingRequest["body"];
  /**
   * Whether to return the body as it was sent, without decoding its `Content-Encoding`, where `fetch` supports that.
   * @default false
   */
  readonly verbatim?: boolean;
  /**
   * Whether to retry the request after a passing failure. A part of an upload may not be repeated.
   * @default true
   */
  readonly repeatable?: boolean;
  /**
   * The timeout for the response: "slow" for a list.
   * @default "answer" for GET and HEAD, else "slow"
   */
  readonly patience?: Patience;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
}

/** The limit on the size of a body. */
export interface BodyLimit {
  /** The most bytes to accept. */
  readonly limit: number;
  /** The name of the body in an error. */
  readonly what: string;
}

/** A response whose body was read. */
export interface WholeAnswer extends Answer {
  /** The body; empty if the status is an error. */
  readonly bytes: Bytes;
}

/** Statuses of passing failures: the same request may succeed later. */
const PASSING = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/** Reasons for which a registry that has answered before may answer again. */
const AWAY: ReadonlySet<NetworkFailure> = new Set(["unresolved", "refused", "unreachable"]);

/**
 * Returns whether, and after which wait, the request may be retried after an error.
 *
 * @param wasThere whether the registry has answered before: it may be restarting, or the network be down for a while
 */
export function retryVerdict(error: unknown, wasThere: boolean): RetryVerdict {
  if (error instanceof HttpError) return PASSING.has(error.status) ? { afterMs: error.retryAfter } : false;
  if (!(error instanceof NetworkError)) return false;
  if (error.hint === undefined || error.reason === "timeout") return {};
  // At first, a name that does not resolve or a closed port is a mistake; a bad certificate always is.
  return wasThere && error.reason !== undefined && AWAY.has(error.reason) ? {} : false;
}

/** A connection to one registry with its ping, its tokens and its retries. Create one per registry and reuse it. */
export class Connection {
  /** The registry. */
  readonly registry: Registry;
  /** Sends its requests. */
  readonly fetch: typeof fetch;
  /** Pings the registry on the first call; later calls return the same result. */
  readonly ping: (options?: AbortOptions) => Promise<Ping>;
  readonly #options: TransportOptions;
  readonly #send: SendOptions;
  readonly #headers: Headers;
  readonly #sessions = new SharedWork<CredentialSession>({ keep: true });
  /**
   * Whether the last request used up its attempts: the next ones then have the usual number at most, so that the
   * patience of a long run is not spent once for each of its requests.
   */
  #failsLong = false;

  /** Creates the connection. Sends nothing until the first request. */
  constructor(registry: Registry, options: TransportOptions = {}) {
    this.registry = registry;
    this.fetch = transportFetch(options);
    this.#options = options;
    this.#send = {
      fetch: this.fetch,
      onRequest: options.onRequest,
      pace: options.pace,
      timeouts: options.timeouts,
      allowRedirects: options.allowRedirects,
    };
    this.#headers = new Headers({ "user-agent": userAgent(options.userAgent) });
    const pings = new SharedWork<Ping>({ keep: true });
    const settings = { ...this.#send, ownHeaders: options.headers, headers: this.#headers };
    this.ping = (caller = {}) =>
      pings.run(
        "",
        caller,
        (signal) => this.#retrying(() => ping(registry, { ...settings, signal }), { signal, wasThere: false }),
      );
  }

  /**
   * Sends a request for a repository, or for the registry as a whole if `undefined`, and returns the response if its
   * status is expected. The caller reads or cancels the body.
   *
   * @throws {HttpError} on any other status.
   * @throws {NetworkError} if there was no response.
   */
  async request(repository: string | undefined, request: RegistryRequest): Promise<Answer> {
    const { signal, repeatable = true } = request;
    await this.ping({ signal }); // before the tries, since it has its own
    const attempt = () => this.#attempt(repository, request);
    return repeatable ? await this.#retrying(attempt, { signal }) : await attempt();
  }

  /**
   * Returns the authorization header that the registry accepts for the scopes: `Bearer …` or `Basic …`; `undefined`
   * if the registry asks for none.
   */
  async authorization(
    repository: string | undefined,
    scopes: readonly string[],
    options: AbortOptions = {},
  ): Promise<string | undefined> {
    const { base, challenge } = await this.ping(options);
    const session = await this.#session(repository, options.signal);
    return await session.authorization(session.demand(scopes, challenge), this.#exchange(base), options);
  }

  /**
   * Sends a request like {@linkcode request} and reads the body. Retries if the connection is cut while reading.
   *
   * @throws {LimitError} if the body is larger than the limit.
   */
  async requestWhole(
    repository: string | undefined,
    request: RegistryRequest,
    { limit, what }: BodyLimit,
  ): Promise<WholeAnswer> {
    const { method, signal } = request;
    const stallMs = this.#options.timeouts?.stallMs;
    await this.ping({ signal });
    return await this.#retrying(async () => {
      const answer = await this.#attempt(repository, request);
      if (answer.response.ok) {
        const line = { method, url: answer.url.href };
        return { ...answer, bytes: await readBody(answer.response, { limit, what, request: line, stallMs, signal }) };
      }
      await discard(answer.response);
      return { ...answer, bytes: new Uint8Array() };
    }, { signal });
  }

  async #retrying<T>(
    work: () => Promise<T>,
    { signal, wasThere = true }: AbortOptions & { readonly wasThere?: boolean },
  ): Promise<T> {
    const options = this.#options.retry ?? {};
    const attempts = this.#failsLong ? Math.min(options.attempts ?? ATTEMPTS, ATTEMPTS) : options.attempts;
    try {
      const result = await retry(work, (error) => retryVerdict(error, wasThere), { ...options, attempts, signal });
      this.#failsLong = false;
      return result;
    } catch (error) {
      if (!signal?.aborted) this.#failsLong = retryVerdict(error, wasThere) !== false;
      throw error;
    }
  }

  async #attempt(repository: string | undefined, request: RegistryRequest): Promise<Answer> {
    const { scopes, signal } = request;
    const { base, challenge } = await this.ping({ signal });
    const session = await this.#session(repository, signal);
    const url = typeof request.to === "string" ? new URL(request.to, base) : request.to;
    const authorize = async (demand: Demand, unshared: boolean) =>
      mayAuthorize(url, base)
        ? await session.authorization(demand, this.#exchange(base), { signal, unshared })
        : undefined;

    const demand = session.demand(scopes, challenge);
    let shown = await authorize(demand, false);
    let answer = await this.#sendShowing(shown, base, { ...request, url });
    // Other requests may have used up a new token before this one shows it: it then gets one of its own.
    for (const unshared of [false, true]) {
      if (answer.response.status !== 401 || isNativeBody(request.body)) break;
      const demanded = answerableChallenge(responseChallenges(answer.response));
      if (hostAndPort(answer.url) !== hostAndPort(base)) {
        answer = await this.#answerElsewhere(answer, demanded, request);
        break;
      }
      const challenge = demanded ?? demand.challenge ?? demandedChallenge(answer.response);
      const next = session.refused(scopes, shown, { ...demand, challenge });
      if (unshared && !next.wasShared) break;
      const better = await authorize(next, unshared);
      if (better === shown) break;
      await discard(answer.response);
      shown = better;
      answer = await this.#sendShowing(shown, base, { ...request, url });
    }
    if (!request.expect.includes(answer.response.status)) {
      throw await responseError(answer.response, {
        method: request.method,
        url: url.href,
        registry: this.registry.name,
        shown: !session.isSignedIn ? "nothing" : shown?.startsWith("Bearer ") ? "token" : "credentials",
      });
    }
    return answer;
  }

  /** Sends a request with an authorization header, which is sent only to the given host. */
  async #sendShowing(
    authorization: string | undefined,
    place: URL,
    request: RegistryRequest & { url: URL },
  ): Promise<Answer> {
    const headers = new Headers(this.#headers);
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      // Headers such as a media type may come from untrusted input.
      if (!isHeaderText(value)) {
        const line = `${request.method} ${redactUrl(request.url)}`;
        throw new ProtocolError(`${line}: ${name} has characters that no header can carry`);
      }
      headers.set(name, value);
    }
    const { base } = await this.ping({ signal: request.signal });
    return await send({ ...request, headers }, {
      ...this.#send,
      ...(mayAuthorize(request.url, base) && { ownHeaders: this.#options.headers }),
      authorize: (to) => mayAuthorize(to, place) ? authorization : undefined,
    });
  }

  /** Answers the challenge of another host, after a redirect, with an anonymous token for this request only. */
  async #answerElsewhere(answer: Answer, demanded: Challenge | undefined, request: RegistryRequest): Promise<Answer> {
    if (demanded?.scheme !== "bearer") return answer;
    await discard(answer.response);
    const there = answer.url;
    const token = await exchangeToken(demanded, {
      ...this.#exchange(there),
      scopes: demanded.parameters.scope ? [demanded.parameters.scope] : [],
      credentials: {},
      signal: request.signal,
    });
    return await this.#sendShowing(`Bearer ${token.value}`, there, { ...request, url: there });
  }

  #exchange(registry: URL): ExchangeContext {
    return { ...this.#send, registry, headers: this.#headers, now: this.#options.now ?? Date.now };
  }

  /** Drops the tokens for a repository. The next request gets new ones. */
  forget(repository: string): void {
    this.#sessions.forget(sessionKey(repository));
  }

  /** Returns the session of a repository, with tokens of its own, since credentials may differ by repository. */
  async #session(repository: string | undefined, signal: AbortSignal | undefined): Promise<CredentialSession> {
    return await this.#sessions.run(sessionKey(repository), { signal }, async (signal) => {
      const target = { registry: this.registry.name, repository };
      return new CredentialSession(await this.#options.keychain?.resolve(target, { signal }) ?? anonymous);
    });
  }
}

/** Returns a key that is not a prefix of another one: names of repositories have no line breaks. */
function sessionKey(repository = ""): string {
  return `${repository}\n`;
}
