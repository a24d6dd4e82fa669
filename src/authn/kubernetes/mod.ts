/**
 * Credentials in Kubernetes: pull secrets, and the service accounts that name them.
 *
 * {@linkcode keychainFromPullSecrets} uses the caller's Secret objects and sends no requests.
 * {@linkcode kubernetesKeychain} requests them from the API: in a pod as its service account, elsewhere by a kubeconfig
 * file. Reads and requests nothing before the first `resolve`.
 *
 * @example
 * ```ts
 * import { type KubernetesClient, kubernetesKeychain } from "@gcrane/gcrane/authn/kubernetes";
 *
 * // Leave the client out to use the cluster's own API.
 * const client: KubernetesClient = {
 *   serviceAccount: () => Promise.resolve({ imagePullSecrets: [{ name: "regcred" }] }),
 *   secret: () =>
 *     Promise.resolve({
 *       type: "kubernetes.io/dockerconfigjson",
 *       data: { ".dockerconfigjson": btoa(`{"auths":{"*.example.com":{"username":"ann","password":"s3cret"}}}`) },
 *     }),
 * };
 * const keychain = kubernetesKeychain({ client, namespace: "team", serviceAccountName: "builder" });
 * const found = await keychain.resolve({ registry: "registry.example.com", repository: "team/app" });
 * console.log((await found.authorization()).username); // ann
 * ```
 *
 * @module
 */
export type { AbortOptions, RetryOptions } from "../../io/mod.ts";
export type { AuthConfig } from "../auth_config.ts";
export { anonymous, type Authenticator } from "../authenticator.ts";
export type { Keychain, KeychainTarget, KeychainWarningOptions } from "../keychain.ts";
export type { RefreshingKeychainOptions } from "../refreshing_keychain.ts";
export type { ApiGetOptions, ClusterConnection } from "./api_request.ts";
export {
  type KubernetesClient,
  kubernetesClient,
  type KubernetesClientOptions,
  type KubernetesServiceAccount,
} from "./client.ts";
export { inClusterClient, type InClusterOptions, podServiceAccountName } from "./in_cluster.ts";
export type { KubeconfigLocation } from "./kubeconfig.ts";
export { kubeconfigClient, type KubeconfigOptions } from "./kubeconfig_client.ts";
export { kubernetesKeychain, type KubernetesKeychainOptions } from "./kubernetes_keychain.ts";
export { parseSecretManifest } from "./manifest.ts";
export { keychainFromPullSecrets } from "../pull_secrets.ts";
export type { KubernetesSecret } from "../pull_secret.ts";
