import { AuthError, GcraneError, NetworkError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { AuthConfig } from "./auth_config.ts";
import { anonymous, type Authenticator } from "./authenticator.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/** Gives the credentials of now; `undefined` when there are none. Once there were, it gives some or fails. */
export type CredentialSource = (options?: AbortOptions) => Promise<AuthConfig | undefined>;

/**
 * A keychain of credentials that expire. A source that has none, or that fails when first asked (which is warned of),
 * means anonymous, since what it guards may well be readable without. Once it has given some, their renewal is the
 * authenticator's work, and then a failure is an error: a copy must not go on as somebody else.
 *
 * @param sourceFor the source for the host of a registry, the same each time; `undefined` for a host that is no concern
 * of the keychain's.
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
        // A failure that is remembered comes back as the same error; once told is enough.
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
        // The transport tries again after this one. The status of a token server must not be taken for the registry's.
        if (cause instanceof NetworkError) throw cause;
        throw new AuthError(`the credentials for ${registry} can't be renewed: ${failureWords(cause)}`);
      }
    },
  });
}

/** What an error says and advises, if it is one of ours: what somebody else's code throws may hold a secret. */
export function failureWords(error: unknown): string {
  if (!(error instanceof GcraneError)) return "they can't be had";
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}
