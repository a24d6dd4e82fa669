import { type AbortOptions, lazy } from "../io/mod.ts";
import { anonymous, type Authenticator } from "./authenticator.ts";

/** The target of credentials. A `Reference` is one. */
export interface KeychainTarget {
  /** The host of the registry, with its port if it has one; Docker Hub's is `index.docker.io`. */
  readonly registry: string;
  /**
   * The path of the repository in it.
   * @default the registry itself
   */
  readonly repository?: string;
}

/** A source of credentials. */
export interface Keychain {
  /**
   * Returns the authenticator for a target, {@linkcode anonymous} if there are no credentials.
   *
   * @throws {AuthError} if the source exists and is not valid.
   */
  resolve(target: KeychainTarget, options?: AbortOptions): Promise<Authenticator>;
}

/** Options of the keychains that can continue after a failure. */
export interface KeychainWarningOptions {
  /**
   * Called with one line without secrets when a source is skipped.
   * @default no warnings
   */
  warn?: (message: string) => void;
}

/** Uses the first of several keychains with credentials for the target. An error of one is an error of all. */
export function multiKeychain(...keychains: readonly Keychain[]): Keychain {
  return {
    async resolve(target, options) {
      for (const keychain of keychains) {
        const authenticator = await keychain.resolve(target, options);
        if (authenticator !== anonymous) return authenticator;
      }
      return anonymous;
    },
  };
}

/** A keychain that is created, or whose module is loaded, on first use. */
export function lazyKeychain(make: () => Promise<Keychain>): Keychain {
  const made = lazy(make);
  return {
    async resolve(target, { signal } = {}) {
      return await (await made({ signal })).resolve(target, { signal });
    },
  };
}
