/**
 * Credentials for GitHub's registry, `ghcr.io`, in a workflow of GitHub Actions: `$GITHUB_TOKEN`.
 *
 * @example
 * ```ts
 * import { githubKeychain } from "@gcrane/gcrane/authn/github";
 *
 * const env: Record<string, string> = { GITHUB_TOKEN: "ghs_token", GITHUB_ACTOR: "octocat" };
 * const keychain = githubKeychain({ environment: (name) => env[name] });
 * const found = await keychain.resolve({ registry: "ghcr.io", repository: "octocat/app" });
 * console.log((await found.authorization()).username); // octocat
 * ```
 *
 * @module
 */
export type { AbortOptions } from "../../io/mod.ts";
export type { AuthConfig } from "../auth_config.ts";
export type { Authenticator } from "../authenticator.ts";
export type { Keychain, KeychainTarget } from "../keychain.ts";
export { githubKeychain, type GithubKeychainOptions } from "./github_keychain.ts";
