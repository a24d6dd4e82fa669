import { secretUrl } from "../ask_server.ts";
import { encodeAuth } from "../auth_config.ts";
import { type Fields, optionalTextField, textField } from "../fields.ts";
import { type AccessToken, askAccessToken, type CredentialContext } from "./access_token.ts";
import { TOKEN_URI } from "./service_account.ts";

/** Returns the token of a user of `gcloud auth application-default login` (RFC 6749, section 6). */
export async function authorizedUserToken(key: Fields, context: CredentialContext): Promise<AccessToken> {
  const { source } = context;
  const url = secretUrl(optionalTextField(key, "token_uri", source) ?? TOKEN_URI, `${source}: "token_uri"`);
  return await refreshed(key, context, { url, clientIn: "form" });
}

/** Returns the token of such a user of a workforce pool, whose server takes the client in a header. */
export async function externalUserToken(key: Fields, context: CredentialContext): Promise<AccessToken> {
  const { source } = context;
  const url = secretUrl(textField(key, "token_url", source), `${source}: "token_url"`);
  return await refreshed(key, context, { url, clientIn: "header" });
}

/** Where the client's id and secret are sent (RFC 6749, section 2.3.1). */
interface RefreshOptions {
  readonly url: URL;
  readonly clientIn: "form" | "header";
}

async function refreshed(
  key: Fields,
  { source, surroundings }: CredentialContext,
  { url, clientIn }: RefreshOptions,
): Promise<AccessToken> {
  const id = textField(key, "client_id", source);
  const secret = textField(key, "client_secret", source);
  const token = textField(key, "refresh_token", source);
  const inForm: Record<string, string> = clientIn === "form" ? { client_id: id, client_secret: secret } : {};
  return await askAccessToken({
    who: "Google's token server",
    method: "POST",
    url,
    headers: clientIn === "header" ? { authorization: `Basic ${encodeAuth(id, secret)}` } : {},
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: token, ...inForm }),
    secrets: [secret, token],
  }, surroundings);
}
