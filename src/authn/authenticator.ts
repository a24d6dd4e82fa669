import type { AbortOptions } from "../io/mod.ts";
import { type AuthConfig, isEmptyAuth, normalizeAuth } from "./auth_config.ts";

/**
 * Gives credentials when they are needed.
 *
 * The authenticators of this package hold their secrets in closures: logging one shows none of them.
 */
export interface Authenticator {
  /**
   * What to show the registry now; `{}` means nothing. The authenticators of this package give no `auth`: it is taken
   * apart into `username` and `password`.
   *
   * @throws {AuthError} when the credentials can't be had.
   */
  authorization(options?: AbortOptions): Promise<AuthConfig>;
}

/** Shows nothing. There is one such object, so that `===` tells whether a keychain found something. */
export const anonymous: Authenticator = Object.freeze({ authorization: () => Promise.resolve({}) });

/** Shows a name and a password. */
export function basic(username: string, password: string): Authenticator {
  return fromConfig({ username, password });
}

/** Shows a token that the registry takes as it is. @throws {AuthError} when no header can carry it. */
export function bearer(token: string): Authenticator {
  return fromConfig({ registryToken: token });
}

/**
 * Shows what a config holds; {@linkcode anonymous} if that is nothing.
 *
 * @throws {AuthError} when `auth` is not base64 of `username:password`, or no header can carry the registry token.
 */
export function fromConfig(config: AuthConfig): Authenticator {
  const normalized = Object.freeze(normalizeAuth(config, "the credentials"));
  if (isEmptyAuth(normalized)) return anonymous;
  return Object.freeze({ authorization: () => Promise.resolve(normalized) });
}
