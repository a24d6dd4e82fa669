import { askFields } from "../ask_server.ts";
import type { AuthConfig } from "../auth_config.ts";
import { numberField, textField, tokenClaims } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";

/** The user name that Azure's registries require for a token in basic authentication. */
const TOKEN_USER = "00000000-0000-0000-0000-000000000000";
/** The lifetime of a token without an expiry. */
const UNKNOWN_LIFE_MS = 60 * 60 * 1000;

/** Exchanges a token of Entra ID for an identity token of one registry. */
export async function registryIdentity(
  registry: string,
  accessToken: string,
  surroundings: Surroundings,
): Promise<Expiring<AuthConfig>> {
  const { environment, now } = surroundings;
  const form = new URLSearchParams({ grant_type: "access_token", service: registry, access_token: accessToken });
  const tenant = environment("AZURE_TENANT_ID");
  if (tenant) form.set("tenant", tenant);
  const url = `https://${registry}/oauth2/exchange`;
  const answer = await askFields(
    { who: registry, method: "POST", url, body: form, secrets: [accessToken] },
    surroundings,
  );
  const identityToken = textField(answer, "refresh_token", `the answer of ${registry}`);
  return {
    value: { username: TOKEN_USER, identityToken },
    expiresAt: expiryOf(identityToken) ?? now() + UNKNOWN_LIFE_MS,
  };
}

/** Returns the expiry of a JWT (RFC 7519, section 4.1.4), unverified; `undefined` if it has none. */
function expiryOf(token: string): number | undefined {
  const seconds = numberField(tokenClaims(token), "exp");
  return seconds === undefined ? undefined : seconds * 1000;
}
