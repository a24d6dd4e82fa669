import type { AbortOptions } from "../io/mod.ts";
import { type AuthConfig, isEmptyAuth, normalizeAuth } from "./auth_config.ts";

/**
 * A source of credentials.
 *
 * The authenticators of this package keep their secrets in closures, so that logging one shows none of them.
 */
export interface Authenticator {
  /**
   * Returns the credentials to use now; `{}` for none. The authenticators of this package return no `auth`, but
   * `username` and `password`.
   *
   * @throws {AuthError} if the credentials can't be obtained.
   */
  authorization(options?: AbortOptions): Promise<AuthConfig>;
}

/** Returns no credentials. It is one object, so that `===` tells whether a keychain found credentials. */
export const anonymous: Authenticator = Object.freeze({ authorization: () => Promise.resolve({}) });

/** Returns a name and a password. */
export function basic(username: string, password: string): Authenticator {
  return fromConfig({ username, password });
}

/** Returns a token that is sent unchanged. @throws {AuthError} if it is not valid in a header. */
export function bearer(token: string): Authenticator {
  return fromConfig({ registryToken: token });
}

/**
 * Returns the credentials of a config; {@linkcode anonymous} if it is empty.
 *
 * @throws {AuthError} if `auth` is not base64 of `username:password`, or the registry token is not valid in a header.
 */
export function fromConfig(config: AuthConfig): Authenticator {
  const normalized = Object.freeze(normalizeAuth(config, "the credentials"));
  if (isEmptyAuth(normalized)) return anonymous;
  return Object.freeze({ authorization: () => Promise.resolve(normalized) });
}
