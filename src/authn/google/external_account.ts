import { isObject } from "../../io/mod.ts";
import { encodeAuth } from "../auth_config.ts";
import { secretUrl } from "../ask_server.ts";
import { type Fields, numberField, optionalTextField, textField } from "../fields.ts";
import { type AccessToken, askAccessToken, CLOUD_PLATFORM, type CredentialContext } from "./access_token.ts";
import { impersonate } from "./impersonation.ts";
import { subjectToken } from "./subject_token.ts";

const TOKEN_URL = "https://sts.googleapis.com/v1/token";

/**
 * Returns the token of an identity of another cloud or of a cluster (workload identity federation). Exchanges that
 * identity's token (RFC 8693), and impersonates the service account of the file, if there is one.
 */
export async function externalAccountToken(key: Fields, context: CredentialContext): Promise<AccessToken> {
  const { source } = context;
  const federated = await exchange(key, await subjectToken(key, context), context);
  const url = optionalTextField(key, "service_account_impersonation_url", source);
  if (url === undefined) return federated;
  const { service_account_impersonation: wanted } = key;
  return await impersonate(federated.value, {
    ...context,
    url,
    lifetimeS: isObject(wanted) ? numberField(wanted, "token_lifetime_seconds") : undefined,
  });
}

async function exchange(
  key: Fields,
  subject: string,
  { source, surroundings }: CredentialContext,
): Promise<AccessToken> {
  const clientId = optionalTextField(key, "client_id", source);
  const clientSecret = optionalTextField(key, "client_secret", source) ?? "";
  const project = optionalTextField(key, "workforce_pool_user_project", source);
  const form = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    audience: textField(key, "audience", source),
    scope: CLOUD_PLATFORM,
    subject_token_type: textField(key, "subject_token_type", source),
    subject_token: subject,
  });
  // A client of its own determines the billing.
  if (project !== undefined && clientId === undefined) form.set("options", JSON.stringify({ userProject: project }));
  return await askAccessToken({
    who: "Google's security token service",
    method: "POST",
    url: secretUrl(optionalTextField(key, "token_url", source) ?? TOKEN_URL, `${source}: "token_url"`),
    headers: clientId === undefined ? {} : { authorization: `Basic ${encodeAuth(clientId, clientSecret)}` },
    body: form,
    secrets: [subject, clientSecret],
  }, surroundings);
}
