import { delay } from "@std/async/delay";
import { HttpError, NameError, NetworkError } from "../errors.ts";
import type { Registry, Scheme } from "../name/mod.ts";
import { type Challenge, demandedChallenge } from "./challenge.ts";
import { discard, responseError } from "./check.ts";
import { send, type SendOptions } from "./send.ts";
import { isLoopbackHost } from "./url_policy.ts";

/** The result of a ping (distribution-spec, "Determining Support"). */
export interface Ping {
  /** The root URL of the registry: its host, with the scheme that the ping ended on. */
  readonly base: URL;
  /** The challenge of the registry; `undefined` if it needs no authentication. */
  readonly challenge: Challenge | undefined;
}

/** Options of {@linkcode ping}. */
export interface PingOptions extends SendOptions {
  /** Aborts the ping. */
  readonly signal?: AbortSignal;
  /** The headers of every request. */
  readonly headers: Headers;
  /**
   * How long to wait for https before http is tried too, where http is allowed, in milliseconds.
   * @default 300
   */
  readonly fallbackMs?: number;
}

/**
 * Requests `/v2/` of a registry. If its name allows plain http, tries https first, and http after 300 ms or as soon as
 * https fails; on this machine, where most registries have no TLS, http first, and https if it fails. Returns the first
 * response with status 200 or 401.
 *
 * @throws {HttpError} on any other status.
 * @throws {NetworkError} if there is no response.
 * @throws {NameError} if the name of the registry can't be the host of a URL.
 */
export async function ping(registry: Registry, options: PingOptions): Promise<Ping> {
  const isLocal = isLoopbackHost(rootOf(registry, registry.schemes[0]).hostname);
  const [first, second] = isLocal ? registry.schemes.toReversed() : registry.schemes;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  try {
    const primary = pingScheme(registry, first, { ...options, signal });
    if (second === undefined) return await primary;
    const failed = primary.then(() => new Promise<void>(() => {}), () => {});
    // A server with TLS refuses plain http at once.
    const fallback = (isLocal ? failed : Promise.race([failed, delay(options.fallbackMs ?? 300, { signal })]))
      .then(() => pingScheme(registry, second, { ...options, signal }));
    return await Promise.any([primary, fallback]);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof AggregateError ? mostTelling(isLocal ? error.errors.toReversed() : error.errors) : error;
  } finally {
    stop.abort(new DOMException("another scheme answered first", "AbortError"));
  }
}

async function pingScheme(registry: Registry, scheme: Scheme, options: PingOptions): Promise<Ping> {
  const asked = rootOf(registry, scheme);
  const { headers, signal } = options;
  const { response, url } = await send({ method: "GET", url: asked, headers, patience: "connect", signal }, options);
  if (response.status !== 200 && response.status !== 401) {
    throw await responseError(response, { method: "GET", url: asked.href, shown: "nothing" });
  }
  await discard(response);
  return {
    base: url.host === asked.host && registry.schemes.includes(url.protocol.slice(0, -1) as Scheme)
      ? rootOf(registry, url.protocol.slice(0, -1) as Scheme)
      : asked,
    challenge: response.status === 401 ? demandedChallenge(response) : undefined,
  };
}

function rootOf(registry: Registry, scheme: Scheme): URL {
  try {
    return new URL(`${scheme}://${registry.authority}/v2/`);
  } catch (cause) {
    throw new NameError(`${JSON.stringify(registry.name)} can't be the host of a URL`, {
      cause,
      hint: "a registry is HOST or HOST:PORT, with a port up to 65535",
    });
  }
}

/**
 * Returns the more useful of two failures: that of https if its server is no registry or has a bad certificate, else
 * that of http, since the name allows http.
 */
function mostTelling([https, http]: readonly unknown[]): unknown {
  const isMeant = https instanceof HttpError || (https instanceof NetworkError && https.reason === "untrusted");
  return isMeant ? https : http;
}
