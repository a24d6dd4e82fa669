import { anonymous, type Keychain } from "../authn/mod.ts";
import { HttpError, NetworkError, ProtocolError } from "../errors.ts";
import { fetchFor, redactUrl, type Timeouts, userAgent } from "../http/mod.ts";
import {
  type AbortOptions,
  isHeaderText,
  lazy,
  retry,
  type RetryOptions,
  type RetryVerdict,
  SharedWork,
} from "../io/mod.ts";
import type { Registry } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { answerableChallenge, type Challenge, responseChallenges } from "./challenge.ts";
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

/** Options of every conversation with a registry. */
export interface TransportOptions {
  /**
   * Sends requests. A registry in memory can be given as its own `fetch`.
   * @default the runtime's, HTTP/2 off
   */
  fetch?: typeof fetch;
  /**
   * Finds credentials.
   * @default nobody's: everything is asked for anonymously
   */
  keychain?: Keychain;
  /**
   * Whether certificates that can't be verified are taken.
   * @default false
   */
  insecure?: boolean;
  /**
   * What is said of the program that uses this package, before the package's own name.
   * @default nothing
   */
  userAgent?: string;
  /**
   * How requests that failed in passing are tried again.
   * @default four tries, waiting longer each time
   */
  retry?: Omit<RetryOptions, "signal">;
  /**
   * How long the registry is waited for.
   * @default see {@linkcode Timeouts}
   */
  timeouts?: Timeouts;
  /**
   * Told of every request, secrets redacted.
   * @default nobody
   */
  onRequest?: (event: RequestEvent) => void;
  /**
   * Waited for before each request goes out: a limit on their rate.
   * @default nothing is waited for
   */
  pace?: (options: AbortOptions) => Promise<void>;
  /**
   * The time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
}

/** One request to a registry. */
export interface RegistryRequest {
  /** The method. */
  readonly method: string;
  /** A path from the registry's root, or a URL that the registry gave (an upload's `Location`). */
  readonly to: string | URL;
  /** What the token must allow. */
  readonly scopes: readonly string[];
  /** The statuses that are no error. */
  readonly expect: readonly number[];
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent. */
  readonly body?: OutgoingRequest["body"];
  /**
   * Whether the body is wanted as it is sent, whatever `Content-Encoding` says of it, where `fetch` can do that.
   * @default false
   */
  readonly verbatim?: boolean;
  /**
   * Whether it is tried again when it fails in passing; a part of an upload may not be.
   * @default true
   */
  readonly repeatable?: boolean;
  /**
   * Which of the timeouts counts for the answer: "slow" for a list.
   * @default "answer" for GET and HEAD, else "slow"
   */
  readonly patience?: Patience;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** How much of a body is read. */
export interface BodyLimit {
  /** The most bytes to accept. */
  readonly limit: number;
  /** What to call the body in an error. */
  readonly what: string;
}

/** An answer whose body was read. */
export interface WholeAnswer extends Answer {
  /** The body; empty where the status is that of an error. */
  readonly bytes: Bytes;
}

/** Statuses that pass: the same request may succeed later. */
const PASSING = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/** Whether trying again may help after this error, and after which wait. */
export function retryVerdict(error: unknown): RetryVerdict {
  if (error instanceof HttpError) return PASSING.has(error.status) ? { afterMs: error.retryAfter } : false;
  if (!(error instanceof NetworkError)) return false;
  // A name that does not resolve, a closed port or a bad certificate won't mend itself in a second.
  return error.hint === undefined || error.reason === "timeout" ? {} : false;
}

/** A conversation with one registry: its ping, its tokens, its retries. Made once, used for everything there. */
export class Connection {
  /** The registry that it speaks to. */
  readonly registry: Registry;
  /** What the registry said when first asked; asked once. */
  readonly ping: (options?: AbortOptions) => Promise<Ping>;
  readonly #options: TransportOptions;
  readonly #send: SendOptions;
  readonly #headers: Headers;
  readonly #sessions = new SharedWork<CredentialSession>({ keep: true });

  /** Makes it; nothing is sent before something is asked for. */
  constructor(registry: Registry, options: TransportOptions = {}) {
    this.registry = registry;
    this.#options = options;
    this.#send = {
      fetch: options.fetch ?? fetchFor({ insecureTls: options.insecure ?? false }),
      onRequest: options.onRequest,
      pace: options.pace,
      timeouts: options.timeouts,
    };
    this.#headers = new Headers({ "user-agent": userAgent(options.userAgent) });
    this.ping = lazy(() => this.#retrying(() => ping(registry, { ...this.#send, headers: this.#headers }), undefined));
  }

  /**
   * Sends a request for a repository (or, with `undefined`, for the registry as a whole) and gives the answer when its
   * status is among those expected; its body is the caller's to read or cancel.
   *
   * @throws {HttpError} on any other status.
   * @throws {NetworkError} when there was no answer.
   */
  async request(repository: string | undefined, request: RegistryRequest): Promise<Answer> {
    const { signal, repeatable = true } = request;
    await this.ping({ signal }); // before the tries, since it has its own
    const attempt = () => this.#attempt(repository, request);
    return repeatable ? await this.#retrying(attempt, signal) : await attempt();
  }

  /**
   * The value of the authorization header that the registry takes for these scopes: `Bearer …` or `Basic …`;
   * `undefined` when it asks for none.
   */
  async authorization(
    repository: string | undefined,
    scopes: readonly string[],
    options: AbortOptions = {},
  ): Promise<string | undefined> {
    const { base, challenge } = await this.ping(options);
    const session = await this.#session(repository, options.signal);
    return await session.authorization(session.demand(scopes, challenge), this.#exchange(base), options.signal);
  }

  /**
   * As {@linkcode request}, but reads the body too. A connection that is cut meanwhile is one more reason to try again.
   *
   * @throws {LimitError} when the body is larger than the limit.
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
    }, signal);
  }

  async #retrying<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return await retry(work, retryVerdict, { ...this.#options.retry, signal });
  }

  async #attempt(repository: string | undefined, request: RegistryRequest): Promise<Answer> {
    const { scopes, signal } = request;
    const { base, challenge } = await this.ping({ signal });
    const session = await this.#session(repository, signal);
    const url = typeof request.to === "string" ? new URL(request.to, base) : request.to;
    const authorize = async (demand: Demand) =>
      mayAuthorize(url, base) ? await session.authorization(demand, this.#exchange(base), signal) : undefined;

    const demand = session.demand(scopes, challenge);
    const shown = await authorize(demand);
    let answer = await this.#sendShowing(shown, base, { ...request, url });
    if (answer.response.status === 401 && !isNativeBody(request.body)) {
      const demanded = answerableChallenge(responseChallenges(answer.response));
      if (hostAndPort(answer.url) !== hostAndPort(base)) {
        answer = await this.#answerElsewhere(answer, demanded, request);
      } else {
        const next = session.refused(scopes, shown, { ...demand, challenge: demanded ?? demand.challenge });
        const better = await authorize(next);
        if (better !== shown) {
          await discard(answer.response);
          answer = await this.#sendShowing(better, base, { ...request, url });
        }
      }
    }
    if (!request.expect.includes(answer.response.status)) {
      throw await responseError(answer.response, {
        method: request.method,
        url: url.href,
        registry: this.registry.name,
      });
    }
    return answer;
  }

  /** Sends a request with an authorization header, which no other place than the one named gets to see. */
  async #sendShowing(
    authorization: string | undefined,
    place: URL,
    request: RegistryRequest & { url: URL },
  ): Promise<Answer> {
    const headers = new Headers(this.#headers);
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      // A media type may be from anywhere.
      if (!isHeaderText(value)) {
        const line = `${request.method} ${redactUrl(request.url)}`;
        throw new ProtocolError(`${line}: ${name} has characters that no header can carry`);
      }
      headers.set(name, value);
    }
    return await send({ ...request, headers }, {
      ...this.#send,
      authorize: (to) => mayAuthorize(to, place) ? authorization : undefined,
    });
  }

  /** A host that the request was redirected to wants a token of its own: it gets an anonymous one, for this once. */
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

  /** Drops the tokens for a repository; the next request there asks for new ones. */
  forget(repository: string): void {
    this.#sessions.forget(sessionKey(repository));
  }

  /** Credentials may differ by repository, so each has a session of its own, and its own tokens. */
  async #session(repository: string | undefined, signal: AbortSignal | undefined): Promise<CredentialSession> {
    return await this.#sessions.run(sessionKey(repository), { signal }, async (signal) => {
      const target = { registry: this.registry.name, repository };
      return new CredentialSession(await this.#options.keychain?.resolve(target, { signal }) ?? anonymous);
    });
  }
}

/** A key that no other one begins with: no name of a repository holds a line break. */
function sessionKey(repository = ""): string {
  return `${repository}\n`;
}
