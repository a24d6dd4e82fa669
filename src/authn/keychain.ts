import { type AbortOptions, lazy } from "../io/mod.ts";
import { anonymous, type Authenticator } from "./authenticator.ts";

/** What credentials are sought for. A `Reference` is one. */
export interface KeychainTarget {
  /** The host of the registry, with its port if it has one; Docker Hub's is `index.docker.io`. */
  readonly registry: string;
  /**
   * The path of the repository in it.
   * @default none: the registry itself is meant
   */
  readonly repository?: string;
}

/** A source of credentials. */
export interface Keychain {
  /**
   * The credentials for a target, {@linkcode anonymous} if there are none.
   *
   * @throws {AuthError} when the source is there but can't be understood.
   */
  resolve(target: KeychainTarget, options?: AbortOptions): Promise<Authenticator>;
}

/** Options of the keychains that may go on without an answer. */
export interface KeychainWarningOptions {
  /**
   * Is told, in one line without secrets, why a source was passed over.
   * @default nobody is told
   */
  warn?: (message: string) => void;
}

/** The first of some keychains that knows the target. An error of one is an error of all. */
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

/** A keychain that is made, or whose module is loaded, when something is first resolved. */
export function lazyKeychain(make: () => Promise<Keychain>): Keychain {
  const made = lazy(make);
  return {
    async resolve(target, { signal } = {}) {
      return await (await made({ signal })).resolve(target, { signal });
    },
  };
}
