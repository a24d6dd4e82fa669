import { encodeBase64 } from "@std/encoding/base64";
import { AuthError, HttpError } from "../errors.ts";
import { isEmptyAuth } from "../authn/internal.ts";
import type { AuthConfig } from "../authn/mod.ts";
import { redactUrl } from "../http/mod.ts";
import { isHeaderText, Limits } from "../io/mod.ts";
import type { Challenge } from "./challenge.ts";
import { readBody, type RequestLine, responseError } from "./check.ts";
import { type Answer, send, type SendOptions } from "./send.ts";
import { checkRealm, mayAuthorize } from "./url_policy.ts";

/** A bearer token of a registry. */
export interface Token {
  /** The value after `Bearer `. */
  readonly value: string;
  /** When it expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The refresh token that replaces the credential in the next exchange, if the server sent one. */
  readonly refreshToken?: string;
}

/** Options of {@linkcode exchangeToken}. */
export interface ExchangeOptions extends SendOptions {
  /** The root URL of the registry that named the token server. */
  readonly registry: URL;
  /** The scopes: `repository:library/ubuntu:pull`, … */
  readonly scopes: readonly string[];
  /** The credentials; empty for an anonymous token. */
  readonly credentials: AuthConfig;
  /** The headers of every request. */
  readonly headers: Headers;
  /** Aborts the exchange. */
  readonly signal?: AbortSignal;
  /** The time, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The lifetime of a token without `expires_in` (Docker token specification). */
const DEFAULT_LIFETIME_S = 60;

/**
 * Gets a bearer token from the server that a challenge names (Docker token specification). Sends an identity token by
 * POST, or by GET if the server has no POST; other credentials by GET.
 *
 * @throws {UnsafeUrlError} if the token server, or a redirect of it, is refused.
 * @throws {HttpError} if the server refuses.
 * @throws {AuthError} if the response has no token, or one that is not valid in a header.
 */
export async function exchangeToken(challenge: Challenge, options: ExchangeOptions): Promise<Token> {
  const { realm: named, service } = challenge.parameters;
  if (!named) throw new AuthError(`${options.registry.host} asks for a bearer token but names no realm`);
  if (!URL.canParse(named)) throw new AuthError(`${options.registry.host} names a realm that is not a URL`);
  const realm = new URL(named);
  checkRealm(realm, options.registry, options);
  if (options.credentials.identityToken) {
    try {
      return await readToken("POST", await askByPost(realm, service, options), options);
    } catch (error) {
      if (!(error instanceof HttpError && error.status === 404)) throw error;
    }
  }
  return await readToken("GET", await askByGet(realm, service, options), options);
}

/** Returns the authorization header of a user and a password in UTF-8 (RFC 7617). */
export function basicAuthorization(credentials: AuthConfig): string | undefined {
  const { username, password, auth, identityToken } = credentials;
  if (auth) return `Basic ${auth.replace(/=+$/, "").padEnd(Math.ceil(auth.length / 4) * 4, "=")}`;
  const user = username || (identityToken ? "<token>" : "");
  const secret = password || identityToken || "";
  if (user === "" && secret === "") return undefined;
  return `Basic ${encodeBase64(`${user}:${secret}`)}`;
}

async function askByGet(realm: URL, service: string | undefined, options: ExchangeOptions): Promise<Answer> {
  const url = new URL(realm);
  if (service) url.searchParams.set("service", service);
  for (const scope of options.scopes) url.searchParams.append("scope", scope);
  return await send({ method: "GET", url, headers: options.headers, signal: options.signal }, {
    ...options,
    checkRedirect: (_from, to) => checkRealm(to, options.registry, options),
    authorize: (to) => mayAuthorize(to, realm) ? basicAuthorization(options.credentials) : undefined,
  });
}

async function askByPost(realm: URL, service: string | undefined, options: ExchangeOptions): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: options.credentials.identityToken!,
    client_id: "gcrane",
    scope: options.scopes.join(" "),
    ...(service ? { service } : {}),
  });
  const headers = new Headers(options.headers);
  headers.set("content-type", "application/x-www-form-urlencoded");
  const body = new TextEncoder().encode(form.toString());
  return await send({ method: "POST", url: realm, headers, body, patience: "answer", signal: options.signal }, {
    ...options,
    authorize: undefined,
    checkRedirect(_from, to) {
      checkRealm(to, options.registry, options);
      // The body is the credential, so it is sent to no other host.
      if (!mayAuthorize(to, realm)) {
        throw new AuthError(`${redactUrl(realm)} redirects an identity token to ${to.origin}, which is refused`);
      }
    },
  });
}

async function readToken(method: string, { response, url }: Answer, options: ExchangeOptions): Promise<Token> {
  const what = `the answer of the token server ${redactUrl(url)}`;
  const shown = isEmptyAuth(options.credentials) ? "nothing" : "credentials";
  const request: RequestLine = { method, url: url.href, registry: options.registry.host, shown };
  if (response.status !== 200) throw await responseError(response, request);
  const { signal, timeouts } = options;
  const bytes = await readBody(response, { limit: Limits.message, what, request, stallMs: timeouts?.stallMs, signal });
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new AuthError(`${what} is not JSON`);
  }
  const value = [answer?.access_token, answer?.token].find((text) => typeof text === "string" && text !== "");
  if (typeof value !== "string") throw new AuthError(`${what} holds no token`);
  if (!isHeaderText(value)) throw new AuthError(`${what} holds a token with characters that no header can carry`);
  const lifetime = typeof answer.expires_in === "number" && answer.expires_in > 0
    ? answer.expires_in
    : DEFAULT_LIFETIME_S;
  const refreshToken = answer.refresh_token;
  return {
    value,
    expiresAt: options.now() + lifetime * 1000,
    ...(typeof refreshToken === "string" && refreshToken !== "" ? { refreshToken } : {}),
  };
}
