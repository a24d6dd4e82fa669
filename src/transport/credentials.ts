import type { Authenticator } from "../authn/mod.ts";
import { AuthError, HttpError } from "../errors.ts";
import { abortable, isHeaderText, SharedWork } from "../io/mod.ts";
import type { Challenge } from "./challenge.ts";
import { basicAuthorization, type ExchangeOptions, exchangeToken, type Token } from "./token.ts";

/** How long before its end a token is not used any more, in milliseconds. */
const EXPIRY_MARGIN_MS = 10_000;

/** What a token server answers to a refresh token that has ended (RFC 6749, section 5.2), or that it wants no more. */
const REFUSALS = new Set([400, 401, 403]);

/** What a registry wants to be shown: in which way, and good for what. */
export interface Demand {
  /** The challenge to answer; `undefined` when nothing need be shown. */
  readonly challenge: Challenge | undefined;
  /** The scopes of the token. */
  readonly scopes: readonly string[];
}

/** What {@linkcode CredentialSession} needs for an exchange besides challenge, scopes and credentials. */
export type ExchangeContext = Omit<ExchangeOptions, "scopes" | "credentials" | "signal">;

/**
 * Authorization for one registry with one credential. Tokens are kept by their scopes until they expire; whoever asks
 * for the same scopes meanwhile shares the exchange.
 */
export class CredentialSession {
  readonly #authenticator: Authenticator;
  readonly #tokens = new Map<string, Token>();
  readonly #exchanges = new SharedWork<Token>();
  readonly #demands = new Map<string, Demand>();
  #refreshToken: string | undefined;

  /** Makes it for who is to be signed in. */
  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator;
  }

  /** What to show for scopes: as the ping said, or as the registry has demanded since. */
  demand(scopes: readonly string[], pinged: Challenge | undefined): Demand {
    return this.#demands.get(keyOf(scopes)) ?? { challenge: pinged, scopes };
  }

  /** The authorization header that meets a demand; `undefined` for anonymous basic. */
  async authorization(demand: Demand, context: ExchangeContext, signal?: AbortSignal): Promise<string | undefined> {
    const { challenge, scopes } = demand;
    if (challenge === undefined) return undefined;
    // Before the credentials, which may be out of reach while a token is still good.
    const kept = challenge.scheme === "bearer" ? this.#kept(scopes, context) : undefined;
    if (kept !== undefined) return bearer(kept.value);
    const credentials = await abortable(this.#authenticator.authorization(), signal);
    // Authenticators may be others than those of this package, which check it.
    if (![credentials.auth, credentials.registryToken].every((text) => !text || isHeaderText(text))) {
      throw new AuthError(`the credentials for ${context.registry.host} hold characters that no header can carry`, {
        hint: "a token may have a line break too many",
      });
    }
    if (challenge.scheme === "basic") return basicAuthorization(credentials);
    if (credentials.registryToken) return bearer(credentials.registryToken);
    const { value } = await this.#exchanges.run(keyOf(scopes), { signal }, async (signal) => {
      const token = this.#kept(scopes, context) ??
        await this.#exchange(challenge, { ...context, scopes, credentials, signal });
      this.#tokens.set(keyOf(scopes), token);
      if (token.refreshToken) this.#refreshToken = token.refreshToken;
      return token;
    });
    return bearer(value);
  }

  /**
   * Takes note that the registry refused what it was shown for scopes, and what it demanded instead: from now on that
   * is what it gets. A scope that it asked for goes first, since some token servers look at the first one only.
   */
  refused(scopes: readonly string[], shown: string | undefined, demanded: Demand): Demand {
    const { challenge } = demanded;
    const wanted = challenge?.parameters.scope;
    const next = {
      challenge,
      scopes: wanted ? [wanted, ...demanded.scopes.filter((scope) => scope !== wanted)] : demanded.scopes,
    };
    this.#demands.set(keyOf(scopes), next);
    // Only the token that was refused: another request may have got a better one meanwhile.
    for (const [key, token] of this.#tokens) if (bearer(token.value) === shown) this.#tokens.delete(key);
    return next;
  }

  /** A token for scopes that is good for a while. */
  #kept(scopes: readonly string[], { now }: ExchangeContext): Token | undefined {
    const token = this.#tokens.get(keyOf(scopes));
    return token !== undefined && token.expiresAt - EXPIRY_MARGIN_MS > now() ? token : undefined;
  }

  /** Shows the refresh token that was given for the credentials, and those themselves once it is refused. */
  async #exchange(challenge: Challenge, options: ExchangeOptions): Promise<Token> {
    const refreshToken = this.#refreshToken;
    if (refreshToken !== undefined) {
      try {
        const credentials = { ...options.credentials, identityToken: refreshToken };
        return await exchangeToken(challenge, { ...options, credentials });
      } catch (error) {
        if (!(error instanceof HttpError && REFUSALS.has(error.status))) throw error;
        if (this.#refreshToken === refreshToken) this.#refreshToken = undefined;
      }
    }
    return await exchangeToken(challenge, options);
  }
}

function keyOf(scopes: readonly string[]): string {
  return scopes.join(" ");
}

function bearer(token: string): string {
  return `Bearer ${token}`;
}
