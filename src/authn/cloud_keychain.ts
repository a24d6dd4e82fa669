import { AuthError, GcraneError, NetworkError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { AuthConfig } from "./auth_config.ts";
import { anonymous, type Authenticator } from "./authenticator.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/** Returns the current credentials; `undefined` if there are none. After the first success it returns some or fails. */
export type CredentialSource = (options?: AbortOptions) => Promise<AuthConfig | undefined>;

/**
 * A keychain of credentials that expire. A source without credentials, or one that fails on its first use (which gives
 * a warning), means anonymous, since the registry may be readable without them. After that, renewal is the
 * authenticator's work, and a failure is an error: a copy must not continue with another identity.
 *
 * @param sourceFor returns the source for the host of a registry, the same on each call; `undefined` for a host of
 * another cloud.
 */
export function cloudKeychain(
  sourceFor: (registry: string) => CredentialSource | undefined,
  { warn }: KeychainWarningOptions,
): Keychain {
  let warned: unknown;
  return {
    async resolve({ registry }, { signal } = {}) {
      const source = sourceFor(registry);
      if (source === undefined) return anonymous;
      try {
        return await source({ signal }) === undefined ? anonymous : authenticator(source, registry);
      } catch (error) {
        signal?.throwIfAborted();
        // A remembered failure is the same error object, and gives one warning.
        if (error !== warned) warn?.(`no credentials for ${registry}: ${failureWords(error)}`);
        warned = error;
        return anonymous;
      }
    },
  };
}

function authenticator(source: CredentialSource, registry: string): Authenticator {
  return Object.freeze({
    async authorization({ signal }: AbortOptions = {}): Promise<AuthConfig> {
      try {
        return (await source({ signal }))!;
      } catch (cause) {
        signal?.throwIfAborted();
        // The transport retries after this error. The status of a token server must not be mistaken for the registry's.
        if (cause instanceof NetworkError) throw cause;
        throw new AuthError(`the credentials for ${registry} can't be renewed: ${failureWords(cause)}`);
      }
    },
  });
}

/** Returns the message and hint of an error of this package. An error of other code may contain a secret. */
export function failureWords(error: unknown): string {
  if (!(error instanceof GcraneError)) return "they can't be obtained";
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}
