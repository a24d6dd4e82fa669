/**
 * Credentials for Azure's registries.
 *
 * {@linkcode acrKeychain} exchanges the program's token of Entra ID (Azure Active Directory) at the registry for an
 * identity token, and renews that before it expires. Reads and requests nothing before the first registry of Azure.
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
