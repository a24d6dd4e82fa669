import { anonymous, type Authenticator } from "./authenticator.ts";
import type { Keychain } from "./keychain.ts";
import { type KubernetesSecret, pullSecretEntries } from "./pull_secret.ts";
import { type SecretKey, secretKey } from "./pull_secret_key.ts";

/**
 * The keychain of Kubernetes pull secrets: the credentials that the kubelet would find for a pod that names them. Sends
 * no requests.
 *
 * Tries keys in reverse lexicographic order, so that the longer of two comes first. A key matches a target if the ports
 * are equal, the hosts have the same number of labels, each label of the key (`*`, `?` and `[a-z]` are wildcards)
 * matches, and the repository's path begins with the key's path. Of equal keys, that of the first secret is used.
 *
 * @param secrets Secret objects of the Kubernetes API. Types other than `kubernetes.io/dockerconfigjson` and
 * `kubernetes.io/dockercfg` are skipped.
 * @throws {AuthError} if a secret is not valid; the message contains its name and none of its values.
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
