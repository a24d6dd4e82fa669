import { AuthError } from "../../errors.ts";
import { askFields, secretUrl } from "../ask_server.ts";
import type { Expiring } from "../renewing.ts";
import { type Surroundings, tokenFromFile } from "../surroundings.ts";
import type { AzureCloud } from "./azure_cloud.ts";
import { readEntraToken } from "./entra_answer.ts";
import { managedIdentityToken } from "./managed_identity.ts";

/**
 * Returns a token of Entra ID from the first of: a client's secret, a token file of another identity provider (workload
 * identity), the managed identity of the machine or service. `undefined` if there is none.
 *
 * @throws {AuthError} if the first one present is broken: the next may be another identity.
 */
export async function entraToken(
  cloud: AzureCloud,
  surroundings: Surroundings,
): Promise<Expiring<string> | undefined> {
  const { environment } = surroundings;
  const secret = environment("AZURE_CLIENT_SECRET");
  if (secret) return await clientToken({ client_secret: secret }, cloud, surroundings);
  const assertion = await tokenFromFile("AZURE_FEDERATED_TOKEN_FILE", surroundings);
  if (assertion !== undefined) {
    const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    return await clientToken({ client_assertion_type: type, client_assertion: assertion }, cloud, surroundings);
  }
  return await managedIdentityToken(cloud.resource, surroundings);
}

/** Exchanges a client's credential for a token (RFC 6749, section 4.4; RFC 7523, section 2.2). */
async function clientToken(
  proof: Readonly<Record<string, string>>,
  cloud: AzureCloud,
  surroundings: Surroundings,
): Promise<Expiring<string>> {
  const { environment } = surroundings;
  const tenant = needed("AZURE_TENANT_ID", environment);
  const clientId = needed("AZURE_CLIENT_ID", environment);
  const variable = "AZURE_AUTHORITY_HOST";
  const authority = secretUrl(environment(variable) || cloud.authority, variable);
  const who = "Entra ID";
  const answer = await askFields({
    who,
    method: "POST",
    url: new URL(`/${encodeURIComponent(tenant)}/oauth2/v2.0/token`, authority),
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      scope: `${cloud.resource}/.default`,
      ...proof,
    }),
    secrets: Object.values(proof),
  }, surroundings);
  return readEntraToken(answer, who, surroundings);
}

function needed(name: string, environment: Surroundings["environment"]): string {
  const value = environment(name);
  if (!value) throw new AuthError(`${name} is not set, and other variables of Azure's are`);
  return value;
}
