import { askFields, secretUrl } from "../ask_server.ts";
import { momentField, textField } from "../fields.ts";
import { type AccessToken, CLOUD_PLATFORM, type CredentialContext } from "./access_token.ts";

/** Options of {@linkcode impersonate}. */
export interface ImpersonationOptions extends CredentialContext {
  /** The URL of the service account's `:generateAccessToken`. */
  readonly url: string;
  /** The service accounts in the delegation chain. */
  readonly delegates?: readonly string[];
  /** The lifetime of the token, in seconds. */
  readonly lifetimeS?: number;
}

/** Returns the token of a service account, in exchange for that of an identity that may impersonate it (IAM API). */
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
