import { anonymous, type Authenticator } from "./authenticator.ts";
import type { Keychain } from "./keychain.ts";
import { type KubernetesSecret, pullSecretEntries } from "./pull_secret.ts";
import { type SecretKey, secretKey } from "./pull_secret_key.ts";

/**
 * The keychain of Kubernetes pull secrets: what the kubelet would find for a pod that names them. It asks nobody.
 *
 * Keys are tried from the last in lexicographic order to the first, so that the longer of two comes first. One stands
 * for a target when their ports are equal, their hosts have the same number of labels, each label of the key (`*`, `?`
 * and `[a-z]` are wildcards) matches, and the repository's path begins with the key's. Of equal keys the first secret's
 * counts.
 *
 * @param secrets Secret objects of the Kubernetes API; those of other types than `kubernetes.io/dockerconfigjson` and
 * `kubernetes.io/dockercfg` are passed over.
 * @throws {AuthError} when one can't be understood; the message names the secret and holds nothing of what is in it.
 */
export function keychainFromPullSecrets(secrets: Iterable<KubernetesSecret>): Keychain {
  const entries = new Map<string, { key: SecretKey; authenticator: Authenticator }>();
  let number = 0;
  for (const secret of secrets) {
    for (const { key: text, source, authenticator } of pullSecretEntries(secret, ++number)) {
      const key = secretKey(text, source);
      if (!entries.has(key.name)) entries.set(key.name, { key, authenticator });
    }
  }
  const sorted = [...entries.values()].sort((a, b) => a.key.name < b.key.name ? 1 : -1);
  return {
    resolve(target, { signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      return Promise.resolve(sorted.find(({ key }) => key.matches(target))?.authenticator ?? anonymous);
    },
  };
}
