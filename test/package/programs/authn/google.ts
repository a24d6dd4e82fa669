import { assertEquals } from "@std/assert";
import { googleKeychain } from "@gcrane/gcrane/authn/google";

/** Signs a JWT with the key of a service account, and exchanges it for an access token. */
export default async function (): Promise<void> {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    true,
    ["sign", "verify"],
  );
  const key = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey))));
  let assertion: string | null = null;
  const keychain = googleKeychain({
    credentials: {
      type: "service_account",
      client_email: "robot@project.iam.gserviceaccount.com",
      private_key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
      token_uri: "https://oauth2.googleapis.com/token",
    },
    fetch: async (input, init) => {
      assertion = new URLSearchParams(await new Request(input, init).text()).get("assertion");
      return Response.json({ access_token: "ya29.token", expires_in: 3600 });
    },
  });
  const found = await keychain.resolve({ registry: "europe-docker.pkg.dev", repository: "project/app" });
  assertEquals((await found.authorization()).password, "ya29.token");
  assertEquals(JSON.parse(atob(assertion!.split(".")[0])).alg, "RS256");
}
