import { isEmptyAuth } from "../authn/internal.ts";
import type { Authenticator } from "../authn/mod.ts";
import { AuthError, HttpError } from "../errors.ts";
import { abortable, type AbortOptions, isHeaderText, SharedWork } from "../io/mod.ts";
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

/** The demand of a registry that refused an authorization. */
export interface Refusal extends Demand {
  /** Whether other requests have shown the refused token, too. */
  readonly wasShared: boolean;
}

/** How {@linkcode CredentialSession.authorization} gets a token. */
export interface AuthorizationOptions extends AbortOptions {
  /**
   * Whether the token is a new one that no other request gets.
   * @default false
   */
  readonly unshared?: boolean;
}

/** A token that is kept, and the number of requests that it was given to. */
interface KeptToken {
  readonly token: Token;
  uses: number;
}

/** The options of an exchange besides challenge, scopes and credentials. */
export type ExchangeContext = Omit<ExchangeOptions, "scopes" | "credentials" | "signal">;

/**
 * The authorization for one registry with one credential. Keeps tokens by their scopes until they expire. Concurrent
 * calls for the same scopes share one exchange.
 */
export class CredentialSession {
  readonly #authenticator: Authenticator;
  readonly #tokens = new Map<string, KeptToken>();
  readonly #exchanges = new SharedWork<KeptToken>();
  readonly #demands = new Map<string, Demand>();
  #refreshToken: string | undefined;
  #isSignedIn = false;

  /** Creates a session for an authenticator. */
  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator;
  }

  /** Whether the last authorization was that of a user. */
  get isSignedIn(): boolean {
    return this.#isSignedIn;
  }

  /** Returns the demand for scopes: the one from the ping, or a later one from the registry. */
  demand(scopes: readonly string[], pinged: Challenge | undefined): Demand {
    return this.#demands.get(keyOf(scopes)) ?? { challenge: pinged, scopes };
  }

  /** Returns the authorization header for a demand; `undefined` for anonymous basic authentication. */
  async authorization(
    demand: Demand,
    context: ExchangeContext,
    { signal, unshared = false }: AuthorizationOptions = {},
  ): Promise<string | undefined> {
    const { challenge, scopes } = demand;
    if (challenge === undefined) return undefined;
    // A valid token needs no credentials, which may not be available.
    const kept = challenge.scheme === "bearer" && !unshared ? this.#kept(scopes, context) : undefined;
    if (kept !== undefined) return used(kept);
    const credentials = await abortable(this.#authenticator.authorization(), signal);
    this.#isSignedIn = !isEmptyAuth(credentials);
    // Authenticators from outside this package may not check this.
    if (![credentials.auth, credentials.registryToken].every((text) => !text || isHeaderText(text))) {
      throw new AuthError(`the credentials for ${context.registry.host} hold characters that no header can carry`, {
        hint: "a token may have a line break too many",
      });
    }
    if (challenge.scheme === "basic") return basicAuthorization(credentials);
    if (credentials.registryToken) return bearer(credentials.registryToken);
    const exchange = { ...context, scopes, credentials };
    if (unshared) return bearer((await this.#exchange(challenge, { ...exchange, signal })).value);
    const token = await this.#exchanges.run(keyOf(scopes), { signal }, async (signal) => {
      const kept = this.#kept(scopes, context) ??
        { token: await this.#exchange(challenge, { ...exchange, signal }), uses: 0 };
      this.#tokens.set(keyOf(scopes), kept);
      return kept;
    });
    return used(token);
  }

  /**
   * Records that the registry refused an authorization for scopes, and its new demand, which is used from now on. The
   * demanded scope comes first, since some token servers read only the first one.
   */
  refused(scopes: readonly string[], shown: string | undefined, demanded: Demand): Refusal {
    const { challenge } = demanded;
    const wanted = challenge?.parameters.scope;
    const next = {
      challenge,
      scopes: wanted ? [wanted, ...demanded.scopes.filter((scope) => scope !== wanted)] : demanded.scopes,
    };
    this.#demands.set(keyOf(scopes), next);
    // Deletes only the refused token: another request may have got a newer one.
    const [key, kept] = [...this.#tokens].find(([, { token }]) => bearer(token.value) === shown) ?? [];
    if (key !== undefined) this.#tokens.delete(key);
    // A token that is gone was refused to another request before.
    return { ...next, wasShared: kept?.uses !== 1 };
  }

  /** Returns the token for scopes, if it is still valid for a while. */
  #kept(scopes: readonly string[], { now }: ExchangeContext): KeptToken | undefined {
    const kept = this.#tokens.get(keyOf(scopes));
    return kept !== undefined && kept.token.expiresAt - EXPIRY_MARGIN_MS > now() ? kept : undefined;
  }

  /** Exchanges the last refresh token, or the credentials themselves once the refresh token is refused. */
  async #exchange(challenge: Challenge, options: ExchangeOptions): Promise<Token> {
    const token = await this.#exchangeAny(challenge, options);
    if (token.refreshToken) this.#refreshToken = token.refreshToken;
    return token;
  }

  async #exchangeAny(challenge: Challenge, options: ExchangeOptions): Promise<Token> {
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

function used(kept: KeptToken): string {
  kept.uses++;
  return bearer(kept.token.value);
}

function bearer(token: string): string {
  return `Bearer ${token}`;
}
