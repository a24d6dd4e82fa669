import type { AuthConfig } from "../auth_config.ts";
import { cloudKeychain, type CredentialSource } from "../cloud_keychain.ts";
import type { Keychain } from "../keychain.ts";
import { type Expiring, renewing } from "../renewing.ts";
import { type CloudKeychainOptions, surroundingsOf } from "../surroundings.ts";
import { type AzureCloud, azureCloud } from "./azure_cloud.ts";
import { entraToken } from "./entra_token.ts";
import { registryIdentity } from "./refresh_token.ts";

/** A source of tokens of Entra ID, such as any credential of `@azure/identity`. */
export interface AzureTokenSource {
  /** Returns the token for a scope, with its expiry in milliseconds since the epoch. */
  getToken(scope: string): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/** Options of {@linkcode acrKeychain}. */
export interface AcrKeychainOptions extends CloudKeychainOptions {
  /**
   * The source of tokens of Entra ID.
   * @default the first of: a client's secret, workload identity, managed identity
   */
  credential?: AzureTokenSource;
}

/**
 * The keychain of Azure's registries: `*.azurecr.io`, `*.azurecr.cn`, `*.azurecr.us` and `*.azurecr.de`. Exchanges a
 * token of Entra ID at the registry for an identity token. The environment selects the identity: a client with its
 * secret (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`), workload identity
 * (`AZURE_FEDERATED_TOKEN_FILE`), or the managed identity of the machine or service.
 *
 * Reads and requests nothing before the first registry of Azure.
 */
export function acrKeychain(options: AcrKeychainOptions = {}): Keychain {
  const surroundings = surroundingsOf(options);
  const tokens = new Map<AzureCloud, () => Promise<string | undefined>>();
  const sources = new Map<string, CredentialSource>();

  const tokenOf = (cloud: AzureCloud): Promise<Expiring<string> | undefined> =>
    options.credential ? pluggedIn(options.credential, cloud) : entraToken(cloud, surroundings);

  const sourceOf = (registry: string, cloud: AzureCloud): CredentialSource => {
    const token = tokens.get(cloud) ?? renewing(() => tokenOf(cloud), surroundings);
    tokens.set(cloud, token);
    return renewing<AuthConfig>(async () => {
      const accessToken = await token();
      return accessToken === undefined ? undefined : await registryIdentity(registry, accessToken, surroundings);
    }, surroundings);
  };

  return cloudKeychain((registry) => {
    const cloud = azureCloud(registry);
    if (cloud === undefined) return undefined;
    const source = sources.get(registry) ?? sourceOf(registry, cloud);
    sources.set(registry, source);
    return source;
  }, surroundings);
}

async function pluggedIn(source: AzureTokenSource, { resource }: AzureCloud): Promise<Expiring<string> | undefined> {
  const answer = await source.getToken(`${resource}/.default`);
  return answer ? { value: answer.token, expiresAt: answer.expiresOnTimestamp } : undefined;
}
