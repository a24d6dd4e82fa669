import { encodeBase64 } from "@std/encoding/base64";
import { AuthError } from "../errors.ts";
import { isHeaderText } from "../io/mod.ts";
import { base64Text } from "./fields.ts";

/** What a registry or its token server may be shown. All fields are secrets but `username`. */
export interface AuthConfig {
  /** The name for basic authentication. */
  readonly username?: string;
  /** The password for basic authentication; missing means empty. */
  readonly password?: string;
  /** `username:password` in base64, padded or not; it overrides the two. */
  readonly auth?: string;
  /** A refresh token, to be exchanged for a token of the registry. */
  readonly identityToken?: string;
  /** A token of the registry, sent as it is. */
  readonly registryToken?: string;
}

/**
 * The same config with `auth` taken apart and empty fields left out.
 *
 * @param source where the config is from, for the error message.
 * @throws {AuthError} when `auth` is not base64 of `username:password`, or the registry token has characters that no
 * header can carry; the message does not repeat them.
 */
export function normalizeAuth(config: AuthConfig, source: string): AuthConfig {
  const { identityToken, registryToken } = config;
  if (registryToken && !isHeaderText(registryToken)) {
    throw new AuthError(`${source}: the registry token has characters that no header can carry`, {
      hint: "it may have a line break too many",
    });
  }
  const { username, password } = config.auth ? decodeAuth(config.auth, source) : config;
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(identityToken && { identityToken }),
    ...(registryToken && { registryToken }),
  };
}

/** Whether a normalized config holds nothing. */
export function isEmptyAuth(config: AuthConfig): boolean {
  return Object.keys(config).length === 0;
}

/** `username:password` in base64, as docker's config file holds it. */
export function encodeAuth(username: string, password: string): string {
  return encodeBase64(`${username}:${password}`);
}

function decodeAuth(auth: string, source: string): { username: string; password: string } {
  const text = base64Text(auth);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) {
    // The cause is left out: it may quote the secret.
    throw new AuthError(`${source}: "auth" is not base64 of username:password`, { hint: "log in again to replace it" });
  }
  // Old versions of docker padded the password with NUL.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}
