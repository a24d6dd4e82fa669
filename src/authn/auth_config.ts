import { encodeBase64 } from "@std/encoding/base64";
import { AuthError } from "../errors.ts";
import { isHeaderText } from "../io/mod.ts";
import { base64Text } from "./fields.ts";

/** Credentials for a registry or its token server. All fields but `username` are secret. */
export interface AuthConfig {
  /** The name for basic authentication. */
  readonly username?: string;
  /** The password for basic authentication; empty by default. */
  readonly password?: string;
  /** `username:password` in base64, padded or not; replaces both fields. */
  readonly auth?: string;
  /** A refresh token, which is exchanged for a token of the registry. */
  readonly identityToken?: string;
  /** A token of the registry, which is sent unchanged. */
  readonly registryToken?: string;
}

/**
 * Returns the config with `auth` decoded and without empty fields.
 *
 * @param source the origin of the config, for the error message.
 * @throws {AuthError} if `auth` is not base64 of `username:password`, or the registry token has characters that a
 * header can't have. The message does not contain them.
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

/** Whether a config has no credentials. */
export function isEmptyAuth(config: AuthConfig): boolean {
  return Object.values(config).every((text) => !text);
}

/** Encodes `username:password` in base64, as in docker's config file. */
export function encodeAuth(username: string, password: string): string {
  return encodeBase64(`${username}:${password}`);
}

function decodeAuth(auth: string, source: string): { username: string; password: string } {
  const text = base64Text(auth);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) {
    // No cause: it may quote the secret.
    throw new AuthError(`${source}: "auth" is not base64 of username:password`, { hint: "log in again to replace it" });
  }
  // Old versions of docker padded the password with NUL.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}
