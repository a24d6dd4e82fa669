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

/**
 * Returns a helper's credentials for a server; `undefined`, after a warning, if it fails. @throws {AuthError} if it
 * takes too long.
 */
export async function askHelper(
  helper: Pick<CredentialHelper, "get">,
  server: string,
  { signal, warn }: AbortOptions & KeychainWarningOptions,
): Promise<HelperCredentials | undefined> {
  try {
    return await helper.get(server, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    // It may have credentials, so to go on without any would fail later, and with another message.
    if (isHelperTimeout(error)) throw error;
    // An error of a custom helper may contain a secret.
    warn?.(`no credentials for ${server}: ${error instanceof AuthError ? error.message : "the helper failed"}`);
    return undefined;
  }
}
