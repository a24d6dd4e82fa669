/**
 * Signed in at Azure's registries.
 *
 * {@linkcode acrKeychain} takes the token of Entra ID (Azure Active Directory) that the program has here, exchanges it
 * at the registry for an identity token, and does so again before that ends. Nothing is read or asked before such a
 * registry is asked for.
 *
 * @example
 * ```ts
 * import { acrKeychain } from "@gcrane/gcrane/authn/acr";
 *
 * const keychain = acrKeychain({
 *   // Any credential of @azure/identity.
 *   credential: { getToken: () => Promise.resolve({ token: "entra", expiresOnTimestamp: Date.now() + 3_600_000 }) },
 *   fetch: () => Promise.resolve(Response.json({ refresh_token: "identity" })),
 * });
 * const found = await keychain.resolve({ registry: "team.azurecr.io", repository: "app" });
 * console.log((await found.authorization()).identityToken); // identity
 * ```
 *
 * @module
 */
export type { AbortOptions } from "../../io/mod.ts";
export type { AuthConfig } from "../auth_config.ts";
export type { Authenticator } from "../authenticator.ts";
export type { Keychain, KeychainTarget, KeychainWarningOptions } from "../keychain.ts";
export type { CloudKeychainOptions } from "../surroundings.ts";
export { acrKeychain, type AcrKeychainOptions, type AzureTokenSource } from "./acr_keychain.ts";
