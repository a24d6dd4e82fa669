import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { type FakeAnswer, json } from "../../fakes/mod.ts";
import { type CloudWorld, formOf } from "../cloud_world.ts";

/** What Google's tokens must allow. */
export const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** Made once, since that takes a while. */
let pair: { privateKey: string; publicKey: string } | undefined;

/** The key of a service account, as it is downloaded, and the half that Google keeps. */
export function serviceAccountKey(changes: Record<string, unknown> = {}): { text: string; publicKey: string } {
  const { privateKey, publicKey } = pair ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const key = {
    type: "service_account",
    project_id: "project",
    private_key_id: "key-1",
    private_key: privateKey,
    client_email: "robot@project.iam.gserviceaccount.com",
    client_id: "1234",
    token_uri: "https://oauth2.googleapis.com/token",
    ...changes,
  };
  return { text: JSON.stringify(key), publicKey };
}

/** What is in a JWT, its signature verified as Google does. */
export function verifiedJwt(jwt: string, publicKey: string): { header: Record<string, unknown>; claims: Claims } {
  const [header, claims, signature, ...rest] = jwt.split(".");
  assertEquals(rest, []);
  const verify = createVerify("RSA-SHA256").update(`${header}.${claims}`);
  assert(verify.verify(publicKey, signature, "base64url"), "the signature is not the key's");
  const parse = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  return { header: parse(header), claims: parse(claims) };
}

interface Claims {
  iss?: string;
  aud?: string;
  scope?: string;
  iat: number;
  exp: number;
}

/** Google's token server for keys of service accounts: strict, and gives `token-1`, `token-2`, … for an hour. */
export function playTokenServer(
  world: CloudWorld,
  publicKey: string,
  tokenUri = "https://oauth2.googleapis.com/token",
): void {
  let count = 0;
  world.play(new URL(tokenUri).origin, (asked) => {
    assertEquals(asked.url.href, tokenUri);
    const { grant_type, assertion, ...rest } = formOf(asked);
    assertEquals(rest, {});
    assertEquals(grant_type, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    const { header, claims } = verifiedJwt(assertion, publicKey);
    assertEquals(header, { alg: "RS256", typ: "JWT", kid: "key-1" });
    const { iat, exp, ...who } = claims;
    assertEquals(who, { iss: "robot@project.iam.gserviceaccount.com", aud: tokenUri, scope: SCOPE });
    const seconds = world.now / 1000;
    if (iat > seconds || exp <= seconds || exp - iat > 3600) return json(400, { error: "invalid_grant" });
    return json(200, { access_token: `token-${++count}`, expires_in: 3599, token_type: "Bearer" });
  });
}

/** A metadata server: what it gives under `/computeMetadata/v1/instance/service-accounts/default/token`. */
export function playMetadata(world: CloudWorld, token: () => FakeAnswer, origin = "http://169.254.169.254"): void {
  world.play(origin, ({ method, url, headers }) => {
    const flavor = { "metadata-flavor": "Google", "server": "Metadata Server for VM" };
    if (method !== "GET" || headers.get("metadata-flavor") !== "Google") return { status: 403, headers: flavor };
    if (url.pathname === "/") return { status: 200, headers: flavor, body: "computeMetadata/\n" };
    assertEquals(url.pathname, "/computeMetadata/v1/instance/service-accounts/default/token");
    assertEquals(Object.fromEntries(url.searchParams), { scopes: SCOPE });
    return token();
  });
}
