import { askFields, secretUrl } from "../ask_server.ts";
import { momentField, textField } from "../fields.ts";
import { type AccessToken, CLOUD_PLATFORM, type CredentialContext } from "./access_token.ts";

/** Whom to act for. */
export interface ImpersonationOptions extends CredentialContext {
  /** The URL of the service account's `:generateAccessToken`. */
  readonly url: string;
  /** The service accounts in between. */
  readonly delegates?: readonly string[];
  /** How long the token is to live, in seconds. */
  readonly lifetimeS?: number;
}

/** The token of a service account, for that of somebody who may act for it (IAM Service Account Credentials API). */
export async function impersonate(token: string, options: ImpersonationOptions): Promise<AccessToken> {
  const { source: path, surroundings, url, delegates = [], lifetimeS = 3600 } = options;
  const who = "Google's IAM";
  const answer = await askFields({
    who,
    method: "POST",
    url: secretUrl(url, `${path}: "service_account_impersonation_url"`),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ delegates, scope: [CLOUD_PLATFORM], lifetime: `${lifetimeS}s` }),
    secrets: [token],
  }, surroundings);
  const source = `the answer of ${who}`;
  return { value: textField(answer, "accessToken", source), expiresAt: momentField(answer, "expireTime", source) };
}
