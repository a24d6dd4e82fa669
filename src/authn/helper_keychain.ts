import { AuthError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import { anonymous, fromConfig } from "./authenticator.ts";
import { authFromHelper, type CredentialHelper, type HelperCredentials } from "./credential_helper.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/**
 * The keychain of a credential helper: it is asked for the host of the registry. A helper that fails counts as one
 * that knows nothing, since what it guards may well be readable without credentials.
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

/** What a helper knows about a server; `undefined`, after a warning, when it fails. */
export async function askHelper(
  helper: Pick<CredentialHelper, "get">,
  server: string,
  { signal, warn }: AbortOptions & KeychainWarningOptions,
): Promise<HelperCredentials | undefined> {
  try {
    return await helper.get(server, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    // What somebody else's helper throws may hold a secret.
    warn?.(`no credentials for ${server}: ${error instanceof AuthError ? error.message : "the helper failed"}`);
    return undefined;
  }
}
