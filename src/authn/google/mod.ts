/**
 * Credentials for Google's registries: `gcr.io`, `*.gcr.io`, `*.pkg.dev`, `*.google.com`.
 *
 * {@linkcode googleKeychain} uses Application Default Credentials (a file, or the metadata server of a machine, a
 * cluster or a service), then gcloud, exchanges them for a token and renews it before it expires. Reads, requests and
 * runs nothing before the first registry of Google.
 *
 * @example
 * ```ts
 * import { googleKeychain } from "@gcrane/gcrane/authn/google";
 *
 * // On an edge runtime, or with google-auth-library: any object with getAccessToken().
 * const keychain = googleKeychain({ tokenSource: { getAccessToken: () => Promise.resolve("ya29.token") } });
 * const found = await keychain.resolve({ registry: "europe-docker.pkg.dev", repository: "project/app" });
 * console.log((await found.authorization()).username); // _token
 * ```
 *
 * @module
 */
export type { AbortOptions } from "../../io/mod.ts";
export type { AuthConfig } from "../auth_config.ts";
export type { Authenticator } from "../authenticator.ts";
export type { Keychain, KeychainTarget, KeychainWarningOptions } from "../keychain.ts";
export type { CloudKeychainOptions } from "../surroundings.ts";
export type { RunProgram } from "./gcloud.ts";
export { googleKeychain, type GoogleKeychainOptions, type GoogleTokenSource } from "./google_keychain.ts";
