import { AuthError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import { anonymous, fromConfig } from "./authenticator.ts";
import { authFromHelper, type CredentialHelper, type HelperCredentials, isHelperTimeout } from "./credential_helper.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/**
 * The keychain of a credential helper, which is asked for the host of the registry. A helper that fails counts as one
 * without credentials, since the registry may be readable without them; one that takes too long is an error.
 */
export function keychainFromHelper(
  helper: Pick<CredentialHelper, "get">,
  { warn }: KeychainWarningOptions = {},
): Keychain {
  return {
    async resolve({ registry }, { signal } = {}) {
      const credentials = await askHelper(helper, registry, { signal, warn });
      return credentials ? fromConfig(authFromHelper(credentials)) : anonymous;
    },
  };
}

/** Options of {@linkcode askHelper}. */
export interface AskHelperOptions extends AbortOptions, KeychainWarningOptions {
  /**
   * The reasons of earlier warnings, which are not repeated.
   *
   * @default each failure gives a warning
   */
  warned?: Map<string, true>;
}

/**
 * Returns a helper's credentials for a server; `undefined`, after a warning, if it fails. @throws {AuthError} if it
 * takes too long.
 */
export async function askHelper(
  helper: Pick<CredentialHelper, "get">,
  server: string,
  { signal, warn, warned }: AskHelperOptions,
): Promise<HelperCredentials | undefined> {
  try {
    return await helper.get(server, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    // It may have credentials, so to go on without any would fail later, and with another message.
    if (isHelperTimeout(error)) throw error;
    // An error of a custom helper may contain a secret.
    const reason = error instanceof AuthError ? error.message : "the helper failed";
    if (!warned?.has(reason)) warn?.(`no credentials for ${server}: ${reason}`);
    warned?.set(reason, true);
    return undefined;
  }
}
