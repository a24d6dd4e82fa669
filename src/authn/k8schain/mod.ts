/**
 * Signed in as a pod of Kubernetes would be: pull secrets, docker's config, and the node's identity at Google, AWS and
 * Azure.
 *
 * {@linkcode k8schain} asks the cluster's API; {@linkcode k8schainFromSecrets} takes secrets that the caller has. A
 * cloud's code is loaded when a registry of that cloud is first asked for.
 *
 * @example
 * ```ts
 * import { k8schainFromSecrets, type KubernetesSecret } from "@gcrane/gcrane/authn/k8schain";
 *
 * const secret = (username: string): KubernetesSecret => ({
 *   type: "kubernetes.io/dockerconfigjson",
 *   data: { ".dockerconfigjson": btoa(JSON.stringify({ auths: { "r.example.com": { username, password: "p" } } })) },
 * });
 * const keychain = k8schainFromSecrets([secret("ann")]);
 * const found = await keychain.resolve({ registry: "r.example.com", repository: "team/app" });
 * console.log((await found.authorization()).username); // ann
 *
 * // The secret has changed: what was found follows.
 * keychain.update([secret("bob")]);
 * console.log((await found.authorization()).username); // bob
 * ```
 *
 * @module
 */
export type { AbortOptions } from "../../io/mod.ts";
export type { AuthConfig } from "../auth_config.ts";
export { anonymous, type Authenticator } from "../authenticator.ts";
export type { CloudOptions } from "../clouds/mod.ts";
export type { ConfigLocationOptions } from "../config_location.ts";
export type { DefaultKeychainOptions } from "../default_keychain.ts";
export type { Keychain, KeychainTarget, KeychainWarningOptions } from "../keychain.ts";
export { type KubernetesClient, type KubernetesKeychainOptions } from "../kubernetes/mod.ts";
export type { KubernetesSecret } from "../pull_secret.ts";
export {
  k8schain,
  k8schainFromSecrets,
  type K8schainFromSecretsOptions,
  type K8schainOptions,
  type PullSecretsKeychain,
} from "./k8schain.ts";
