import type { AuthConfig, Authenticator } from "../authn/mod.ts";
import { abortable } from "../io/mod.ts";
import type { Challenge } from "./challenge.ts";
import { basicAuthorization, type ExchangeOptions, exchangeToken, type Token } from "./token.ts";

/** How long before its end a token is not used any more, in milliseconds. */
const EXPIRY_MARGIN_MS = 10_000;

/** What {@linkcode CredentialSession} needs for an exchange besides challenge, scopes and credentials. */
export type ExchangeContext = Omit<ExchangeOptions, "scopes" | "credentials" | "signal">;

/**
 * Authorization for one registry with one credential. Tokens are kept by their scopes until they expire; whoever asks
 * for the same scopes meanwhile shares the exchange.
 */
export class CredentialSession {
  readonly #authenticator: Authenticator;
  readonly #tokens = new Map<string, Promise<Token>>();
  #refreshToken: string | undefined;

  /** Makes it for who is to be signed in. */
  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator;
  }

  /** The authorization header that answers a challenge; `undefined` for anonymous basic. */
  async authorization(
    challenge: Challenge | undefined,
    scopes: readonly string[],
    context: ExchangeContext,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    if (challenge === undefined) return undefined;
    const credentials = await abortable(this.#credentials(), signal);
    if (challenge.scheme === "basic") return basicAuthorization(credentials);
    if (credentials.registryToken) return `Bearer ${credentials.registryToken}`;
    const token = await abortable(this.#token(challenge, scopes, credentials, context), signal);
    return `Bearer ${token.value}`;
  }

  /** Forgets the token for these scopes: the registry did not take it. */
  forget(scopes: readonly string[]): void {
    this.#tokens.delete(scopes.join(" "));
  }

  async #credentials(): Promise<AuthConfig> {
    const credentials = await this.#authenticator.authorization();
    return this.#refreshToken ? { identityToken: this.#refreshToken } : credentials;
  }

  async #token(
    challenge: Challenge,
    scopes: readonly string[],
    credentials: AuthConfig,
    context: ExchangeContext,
  ): Promise<Token> {
    const key = scopes.join(" ");
    const cached = this.#tokens.get(key);
    if (cached) {
      const token = await cached;
      if (token.expiresAt - EXPIRY_MARGIN_MS > context.now()) return token;
      // Somebody else may have started the next exchange while this one was waited for.
      if (this.#tokens.get(key) !== cached) return await this.#token(challenge, scopes, credentials, context);
    }
    const exchange = exchangeToken(challenge, { ...context, scopes, credentials });
    this.#tokens.set(key, exchange);
    try {
      const token = await exchange;
      if (token.refreshToken) this.#refreshToken = token.refreshToken;
      return token;
    } catch (error) {
      if (this.#tokens.get(key) === exchange) this.#tokens.delete(key);
      throw error;
    }
  }
}
