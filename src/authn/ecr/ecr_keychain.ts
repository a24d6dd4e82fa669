import type { AuthConfig } from "../auth_config.ts";
import { findAwsCredentials } from "../aws/chain.ts";
import { type AwsCredentials, expiringAws } from "../aws/credentials.ts";
import { cloudKeychain, type CredentialSource } from "../cloud_keychain.ts";
import type { Keychain } from "../keychain.ts";
import { renewing } from "../renewing.ts";
import { type CloudKeychainOptions, surroundingsOf } from "../surroundings.ts";
import { authorizationToken } from "./authorization_token.ts";
import { type EcrService, ecrService } from "./ecr_host.ts";

/** Options of {@linkcode ecrKeychain}. */
export interface EcrKeychainOptions extends CloudKeychainOptions {
  /**
   * The keys to sign with, or a function that returns them, such as a provider of the AWS SDK for JavaScript.
   * @default the first of: environment, web identity, shared files, container, machine
   */
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
}

/**
 * The keychain of AWS's registries, private (`ACCOUNT.dkr.ecr.REGION.amazonaws.com` and its variants: FIPS, China,
 * European and isolated partitions, IPv6) and public (`public.ecr.aws`). Uses the keys of the environment, of a role by
 * web identity, of the shared files (a profile's access key; roles and SSO are not followed), of a container, or of the
 * machine by IMDSv2.
 *
 * Reads and requests nothing before the first registry of AWS. One request serves all registries of a region.
 */
export function ecrKeychain(options: EcrKeychainOptions = {}): Keychain {
  const surroundings = surroundingsOf(options);
  const sources = new Map<string, CredentialSource>();

  const sourceOf = (service: EcrService): CredentialSource => {
    const keys = renewing(async () => {
      const { credentials } = options;
      if (credentials === undefined) return await findAwsCredentials(service, surroundings);
      return expiringAws(typeof credentials === "function" ? await credentials() : credentials);
    }, surroundings);
    return renewing<AuthConfig>(async () => {
      const found = await keys();
      return found && await authorizationToken(service, found, surroundings);
    }, surroundings);
  };

  return cloudKeychain((registry) => {
    const service = ecrService(registry);
    if (service === undefined) return undefined;
    const source = sources.get(service.url) ?? sourceOf(service);
    sources.set(service.url, source);
    return source;
  }, surroundings);
}
