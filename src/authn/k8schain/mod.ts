/**
 * The credentials of a pod of Kubernetes: pull secrets, docker's config, and the node's identity at Google, AWS and
 * Azure.
 *
 * {@linkcode k8schain} requests the secrets from the cluster's API; {@linkcode k8schainFromSecrets} takes the caller's.
 * A cloud's code is loaded for the first registry of that cloud.
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
 * // The secret has changed: the authenticator follows.
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
