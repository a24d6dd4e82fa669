import { AuthError } from "../../errors.ts";
import { secretUrl } from "../ask_server.ts";
import { type Fields, optionalTextField, textField } from "../fields.ts";
import { type AccessToken, askAccessToken, CLOUD_PLATFORM, type CredentialContext } from "./access_token.ts";

/** The token server of a key without `token_uri`. */
export const TOKEN_URI = "https://oauth2.googleapis.com/token";

const JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LIFE_S = 3600;

/** Returns the token of a service account for an assertion signed by its key (RFC 7523, section 2.1). */
export async function serviceAccountToken(key: Fields, context: CredentialContext): Promise<AccessToken> {
  const { source, surroundings } = context;
  const url = secretUrl(optionalTextField(key, "token_uri", source) ?? TOKEN_URI, `${source}: "token_uri"`);
  const assertion = await signAssertion(key, url, context);
  const body = new URLSearchParams({ grant_type: JWT_GRANT, assertion });
  return await askAccessToken(
    { who: "Google's token server", method: "POST", url, body, secrets: [assertion] },
    surroundings,
  );
}

async function signAssertion(key: Fields, audience: URL, { source, surroundings }: CredentialContext): Promise<string> {
  const email = textField(key, "client_email", source);
  const pem = textField(key, "private_key", source);
  const keyId = optionalTextField(key, "private_key_id", source);
  // Loaded on first use only.
  const { importPKCS8, SignJWT } = await import("jose");
  let privateKey: Awaited<ReturnType<typeof importPKCS8>>;
  try {
    privateKey = await importPKCS8(pem, "RS256");
  } catch {
    // No cause: it may quote the key.
    throw new AuthError(`${source}: "private_key" is not an RSA key in PEM (PKCS #8)`, {
      hint: "make a new key of the service account and download it again",
    });
  }
  const issuedAt = Math.floor(surroundings.now() / 1000);
  return await new SignJWT({ scope: CLOUD_PLATFORM })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(email)
    // The text of the key: a URL object may have added a slash.
    .setAudience(optionalTextField(key, "token_uri", source) ?? audience.href)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFE_S)
    .sign(privateKey);
}
