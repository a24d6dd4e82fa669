/**
 * Credentials: where to find them (keychains) and how to get them (authenticators).
 *
 * A {@linkcode Keychain} finds the {@linkcode Authenticator} for a registry or a repository, which returns the
 * {@linkcode AuthConfig} to use. {@linkcode defaultKeychain} reads the files of `docker login` and `podman login` and
 * runs credential helpers. Loading this module reads nothing.
 *
 * @example
 * ```ts
 * import { anonymous, dockerConfigKeychain } from "@gcrane/gcrane/authn";
 *
 * const keychain = dockerConfigKeychain({ auths: { "registry.example.com": { username: "ann", password: "s3cret" } } });
 * const found = await keychain.resolve({ registry: "registry.example.com", repository: "team/app" });
 * console.log((await found.authorization()).username); // ann
 *
 * const none = await keychain.resolve({ registry: "other.example.com" });
 * console.log(none === anonymous); // true
 * ```
 *
 * @module
 */
export type { AbortOptions } from "../io/mod.ts";
export type { AuthConfig } from "./auth_config.ts";
export { anonymous, type Authenticator, basic, bearer, fromConfig } from "./authenticator.ts";
export {
  type Keychain,
  type KeychainTarget,
  type KeychainWarningOptions,
  lazyKeychain,
  multiKeychain,
} from "./keychain.ts";
export { type CloudName, cloudOf } from "./cloud_of.ts";
export { refreshingKeychain, type RefreshingKeychainOptions } from "./refreshing_keychain.ts";
export {
  type CredentialHelper,
  credentialHelper,
  type CredentialHelperOptions,
  type HelperCredentials,
} from "./credential_helper.ts";
export { keychainFromHelper } from "./helper_keychain.ts";
export {
  type DockerConfig,
  type DockerConfigEntry,
  dockerConfigKeychain,
  type DockerConfigKeychainOptions,
  parseDockerConfig,
} from "./docker_config.ts";
export type { ConfigLocationOptions } from "./config_location.ts";
export { type DockerHttpHeaders, dockerHttpHeaders } from "./http_headers.ts";
export { defaultKeychain, type DefaultKeychainOptions } from "./default_keychain.ts";
export { type CredentialLocation, eraseCredentials, type LoginOptions, storeCredentials } from "./login.ts";
export { keychainFromPullSecrets } from "./pull_secrets.ts";
export type { KubernetesSecret } from "./pull_secret.ts";
