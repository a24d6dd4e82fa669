import { AuthError, GcraneError, NetworkError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { AuthConfig } from "./auth_config.ts";
import { anonymous, type Authenticator } from "./authenticator.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/** Gives the credentials of now; `undefined` when there are none. */
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
        if (error !== warned) warn?.(`no credentials for ${registry}: ${wordsOf(error)}`);
        warned = error;
        return anonymous;
      }
    },
  };
}

function authenticator(source: CredentialSource, registry: string): Authenticator {
  return Object.freeze({
    async authorization({ signal }: AbortOptions = {}): Promise<AuthConfig> {
      let found: AuthConfig | undefined;
      try {
        found = await source({ signal });
      } catch (cause) {
        signal?.throwIfAborted();
        // The transport tries again after these two; the status of a token server must not be taken for the registry's.
        if (cause instanceof AuthError || cause instanceof NetworkError) throw cause;
        const hint = cause instanceof GcraneError ? cause.hint : undefined;
        throw new AuthError(`the credentials for ${registry} can't be renewed: ${wordsOf(cause)}`, { hint });
      }
      if (found === undefined) {
        throw new AuthError(`the credentials for ${registry} have expired, and are there no more`);
      }
      return found;
    },
  });
}

/** What an error says, if it is one of ours: what somebody else's code throws may hold a secret. */
function wordsOf(error: unknown): string {
  return error instanceof GcraneError ? error.message : "they can't be had";
}
