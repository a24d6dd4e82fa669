import { encodeAuth } from "../auth_config.ts";
import { secretUrl } from "../ask_server.ts";
import { type Fields, optionalTextField, textField } from "../fields.ts";
import { type AccessToken, askAccessToken, type CredentialContext } from "./access_token.ts";
import { TOKEN_URI } from "./service_account.ts";

/** The token of a person who ran `gcloud auth application-default login` (RFC 6749, section 6). */
export async function authorizedUserToken(
  key: Fields,
  { source, surroundings }: CredentialContext,
): Promise<AccessToken> {
  const secret = textField(key, "client_secret", source);
  const refreshToken = textField(key, "refresh_token", source);
  return await askAccessToken({
    who: "Google's token server",
    method: "POST",
    url: secretUrl(optionalTextField(key, "token_uri", source) ?? TOKEN_URI, `${source}: "token_uri"`),
    body: new URLSearchParams({
      grant_type: "refresh_token",
      client_id: textField(key, "client_id", source),
      client_secret: secret,
      refresh_token: refreshToken,
    }),
    secrets: [secret, refreshToken],
  }, surroundings);
}

/** The token of a person of a workforce pool, who did the same: the client's secret goes into the header. */
export async function externalUserToken(
  key: Fields,
  { source, surroundings }: CredentialContext,
): Promise<AccessToken> {
  const secret = textField(key, "client_secret", source);
  const refreshToken = textField(key, "refresh_token", source);
  return await askAccessToken({
    who: "Google's token server",
    method: "POST",
    url: secretUrl(textField(key, "token_url", source), `${source}: "token_url"`),
    headers: { authorization: `Basic ${encodeAuth(textField(key, "client_id", source), secret)}` },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
    secrets: [secret, refreshToken],
  }, surroundings);
}
