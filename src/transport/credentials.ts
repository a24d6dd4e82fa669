import type { Authenticator } from "../authn/mod.ts";
import { AuthError, HttpError } from "../errors.ts";
import { abortable, isHeaderText, SharedWork } from "../io/mod.ts";
import type { Challenge } from "./challenge.ts";
import { basicAuthorization, type ExchangeOptions, exchangeToken, type Token } from "./token.ts";

/** How long before its expiry a token is no longer used, in milliseconds. */
const EXPIRY_MARGIN_MS = 10_000;

/** The statuses of a token server that rejects a refresh token (RFC 6749, section 5.2). */
const REFUSALS = new Set([400, 401, 403]);

/** The authorization that a registry demands. */
export interface Demand {
  /** The challenge to answer; `undefined` if no authorization is needed. */
  readonly challenge: Challenge | undefined;
  /** The scopes of the token. */
  readonly scopes: readonly string[];
}

/** The options of an exchange besides challenge, scopes and credentials. */
export type ExchangeContext = Omit<ExchangeOptions, "scopes" | "credentials" | "signal">;

/**
 * The authorization for one registry with one credential. Keeps tokens by their scopes until they expire. Concurrent
 * calls for the same scopes share one exchange.
 */
export class CredentialSession {
  readonly #authenticator: Authenticator;
  readonly #tokens = new Map<string, Token>();
  readonly #exchanges = new SharedWork<Token>();
  readonly #demands = new Map<string, Demand>();
  #refreshToken: string | undefined;

  /** Creates a session for an authenticator. */
  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator;
  }

  /** Returns the demand for scopes: the one from the ping, or a later one from the registry. */
  demand(scopes: readonly string[], pinged: Challenge | undefined): Demand {
    return this.#demands.get(keyOf(scopes)) ?? { challenge: pinged, scopes };
  }

  /** Returns the authorization header for a demand; `undefined` for anonymous basic authentication. */
  async authorization(demand: Demand, context: ExchangeContext, signal?: AbortSignal): Promise<string | undefined> {
    const { challenge, scopes } = demand;
    if (challenge === undefined) return undefined;
    // A valid token needs no credentials, which may not be available.
    const kept = challenge.scheme === "bearer" ? this.#kept(scopes, context) : undefined;
    if (kept !== undefined) return bearer(kept.value);
    const credentials = await abortable(this.#authenticator.authorization(), signal);
    // Authenticators from outside this package may not check this.
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
   * Records that the registry refused an authorization for scopes, and its new demand, which is used from now on. The
   * demanded scope comes first, since some token servers read only the first one.
   */
  refused(scopes: readonly string[], shown: string | undefined, demanded: Demand): Demand {
    const { challenge } = demanded;
    const wanted = challenge?.parameters.scope;
    const next = {
      challenge,
      scopes: wanted ? [wanted, ...demanded.scopes.filter((scope) => scope !== wanted)] : demanded.scopes,
    };
    this.#demands.set(keyOf(scopes), next);
    // Deletes only the refused token: another request may have got a newer one.
    for (const [key, token] of this.#tokens) if (bearer(token.value) === shown) this.#tokens.delete(key);
    return next;
  }

  /** Returns the token for scopes, if it is still valid for a while. */
  #kept(scopes: readonly string[], { now }: ExchangeContext): Token | undefined {
    const token = this.#tokens.get(keyOf(scopes));
    return token !== undefined && token.expiresAt - EXPIRY_MARGIN_MS > now() ? token : undefined;
  }

  /** Exchanges the last refresh token, or the credentials themselves once the refresh token is refused. */
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
