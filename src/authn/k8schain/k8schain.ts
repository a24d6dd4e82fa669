import { anonymous, type Authenticator } from "../authenticator.ts";
import { type CloudOptions, lazyCloudKeychain } from "../clouds/mod.ts";
import type { ConfigLocationOptions } from "../config_location.ts";
import { defaultKeychain, type DefaultKeychainOptions } from "../default_keychain.ts";
import { type Keychain, type KeychainWarningOptions, multiKeychain } from "../keychain.ts";
import { kubernetesKeychain, type KubernetesKeychainOptions } from "../kubernetes/mod.ts";
import type { KubernetesSecret } from "../pull_secret.ts";
import { keychainFromPullSecrets } from "../pull_secrets.ts";

/** Options of {@linkcode k8schainFromSecrets}. */
export interface K8schainFromSecretsOptions extends ConfigLocationOptions, KeychainWarningOptions {
  /**
   * Further options of docker's keychain.
   * @default none
   */
  docker?: DefaultKeychainOptions;
  /**
   * Further options of Google's keychain.
   * @default none
   */
  google?: CloudOptions["google"];
  /**
   * Further options of ECR's keychain.
   * @default none
   */
  ecr?: CloudOptions["ecr"];
  /**
   * Further options of ACR's keychain.
   * @default none
   */
  acr?: CloudOptions["acr"];
  /**
   * Sends the requests of the clouds' keychains.
   * @default the runtime's
   */
  fetch?: typeof fetch;
}

/** Options of {@linkcode k8schain}. */
export interface K8schainOptions extends KubernetesKeychainOptions, K8schainFromSecretsOptions {}

/** A keychain whose pull secrets can be replaced. */
export interface PullSecretsKeychain extends Keychain {
  /**
   * Replaces the secrets, also for authenticators that were already returned.
   *
   * @throws {AuthError} if a secret is not valid; the old ones stay then.
   */
  update(secrets: Iterable<KubernetesSecret>): void;
}

/**
 * The credentials of a pod: the pull secrets of its service account, docker's config, and the node's identity at
 * Google, AWS and Azure. Uses the first with credentials for a registry.
 *
 * Reads, requests and loads nothing before it is needed; a cloud's part only for a registry of that cloud.
 *
 * @throws {AuthError} from `resolve`, if the cluster's API refuses or a source is not valid.
 * @throws {NetworkError} from `resolve`, if the cluster's API can't be reached.
 */
export function k8schain(options: K8schainOptions = {}): Keychain {
  return multiKeychain(kubernetesKeychain(options), ...nodeKeychains(options));
}

/**
 * Like {@linkcode k8schain}, with the caller's secrets instead of requests to the cluster's API. A controller that
 * watches secrets passes new ones to `update`. Without secrets it is the node's identity alone.
 *
 * @throws {AuthError} if a secret is not valid.
 */
export function k8schainFromSecrets(
  secrets: Iterable<KubernetesSecret>,
  options: K8schainFromSecretsOptions = {},
): PullSecretsKeychain {
  const others = nodeKeychains(options);
  const chainOf = (those: Iterable<KubernetesSecret>) => multiKeychain(keychainFromPullSecrets(those), ...others);
  let chain = chainOf(secrets);
  return {
    async resolve(target, { signal } = {}) {
      let asked = chain;
      let found: Authenticator = await asked.resolve(target, { signal });
      if (found === anonymous) return anonymous;
      return {
        async authorization({ signal } = {}) {
          if (asked !== chain) {
            const now = chain;
            found = await now.resolve(target, { signal });
            asked = now;
          }
          return await found.authorization({ signal });
        },
      };
    },
    update(next) {
      chain = chainOf(next);
    },
  };
}

/** Returns the keychains of the machine itself. */
function nodeKeychains(options: K8schainFromSecretsOptions): Keychain[] {
  const { docker, google, ecr, acr, environment, home, warn, fetch } = options;
  const place = { ...(environment && { environment }), ...(home !== undefined && { home }), ...(warn && { warn }) };
  const cloud = { ...place, ...(fetch && { fetch }) };
  return [
    defaultKeychain({ ...place, ...docker }),
    lazyCloudKeychain("google", { ...cloud, ...google }),
    lazyCloudKeychain("ecr", { ...cloud, ...ecr }),
    lazyCloudKeychain("acr", { ...cloud, ...acr }),
  ];
}
