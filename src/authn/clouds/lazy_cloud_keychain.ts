import type { AcrKeychainOptions } from "../acr/mod.ts";
import { anonymous } from "../authenticator.ts";
import { type CloudName, cloudOf } from "../cloud_of.ts";
import type { EcrKeychainOptions } from "../ecr/mod.ts";
import type { GithubKeychainOptions } from "../github/mod.ts";
import type { GoogleKeychainOptions } from "../google/mod.ts";
import { type Keychain, lazyKeychain } from "../keychain.ts";

/** The options of each cloud's keychain. */
export interface CloudOptions extends Record<CloudName, object> {
  /** The options of `googleKeychain`. */
  readonly google: GoogleKeychainOptions;
  /** The options of `ecrKeychain`. */
  readonly ecr: EcrKeychainOptions;
  /** The options of `acrKeychain`. */
  readonly acr: AcrKeychainOptions;
  /** The options of `githubKeychain`. */
  readonly github: GithubKeychainOptions;
}

type Loaders = { readonly [Name in CloudName]: (options: CloudOptions[Name]) => Promise<Keychain> };

const LOADERS: Loaders = {
  google: async (options) => (await import("../google/mod.ts")).googleKeychain(options),
  ecr: async (options) => (await import("../ecr/mod.ts")).ecrKeychain(options),
  acr: async (options) => (await import("../acr/mod.ts")).acrKeychain(options),
  github: async (options) => (await import("../github/mod.ts")).githubKeychain(options),
};

/**
 * The keychain of a cloud. Its code is loaded for the first registry of that cloud, which keeps start-up short and
 * split bundles small.
 */
export function lazyCloudKeychain<Name extends CloudName>(name: Name, options: CloudOptions[Name] = {}): Keychain {
  const loaded = lazyKeychain(() => LOADERS[name](options));
  return {
    resolve(target, { signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      return cloudOf(target.registry) === name ? loaded.resolve(target, { signal }) : Promise.resolve(anonymous);
    },
  };
}
