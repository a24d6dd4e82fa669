/**
 * The clouds' keychains behind one function. Each is loaded for the first registry of its cloud.
 *
 * @example
 * ```ts
 * import { defaultKeychain, multiKeychain } from "@gcrane/gcrane/authn";
 * import { lazyCloudKeychain } from "@gcrane/gcrane/authn/clouds";
 *
 * // The default of the command line.
 * const keychain = multiKeychain(
 *   lazyCloudKeychain("google"),
 *   defaultKeychain(),
 *   lazyCloudKeychain("ecr"),
 *   lazyCloudKeychain("acr"),
 *   lazyCloudKeychain("github", { token: "ghs_token" }),
 * );
 * const found = await keychain.resolve({ registry: "ghcr.io", repository: "octocat/app" });
 * console.log("password" in await found.authorization()); // true
 * ```
 *
 * @module
 */
export type { AcrKeychainOptions } from "../acr/mod.ts";
export type { EcrKeychainOptions } from "../ecr/mod.ts";
export type { GithubKeychainOptions } from "../github/mod.ts";
export type { GoogleKeychainOptions } from "../google/mod.ts";
export type { Keychain } from "../keychain.ts";
export { type CloudName, cloudOf } from "../cloud_of.ts";
export { type CloudOptions, lazyCloudKeychain } from "./lazy_cloud_keychain.ts";
