/**
 * Credentials for AWS's registries, private and public.
 *
 * {@linkcode ecrKeychain} finds keys of AWS, exchanges them at ECR for a name and a password, and renews these before
 * they expire. Reads and requests nothing before the first registry of AWS.
 *
 * @example
 * ```ts
 * import { anonymous } from "@gcrane/gcrane/authn";
 * import { ecrKeychain } from "@gcrane/gcrane/authn/ecr";
 *
 * const keychain = ecrKeychain({
 *   credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
 *   fetch: () =>
 *     Promise.resolve(Response.json({ authorizationData: [{ authorizationToken: btoa("AWS:password") }] })),
 * });
 * const found = await keychain.resolve({ registry: "123456789012.dkr.ecr.eu-central-1.amazonaws.com" });
 * console.log((await found.authorization()).username); // AWS
 * console.log(await keychain.resolve({ registry: "registry.example.com" }) === anonymous); // true
 * ```
 *
 * @module
 */
export type { AbortOptions } from "../../io/mod.ts";
export type { AuthConfig } from "../auth_config.ts";
export type { Authenticator } from "../authenticator.ts";
export type { AwsCredentials } from "../aws/credentials.ts";
export type { Keychain, KeychainTarget, KeychainWarningOptions } from "../keychain.ts";
export type { CloudKeychainOptions } from "../surroundings.ts";
export { ecrKeychain, type EcrKeychainOptions } from "./ecr_keychain.ts";
