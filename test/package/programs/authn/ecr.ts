import { assertEquals, assertMatch } from "@std/assert";
import { ecrKeychain } from "@gcrane/gcrane/authn/ecr";

/** Signs a request to AWS for the password of a registry. */
export default async function (): Promise<void> {
  let authorization: string | null = null;
  const keychain = ecrKeychain({
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
    fetch: (input, init) => {
      authorization = new Request(input, init).headers.get("Authorization");
      return Promise.resolve(Response.json({ authorizationData: [{ authorizationToken: btoa("AWS:password") }] }));
    },
  });
  const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
  const found = await keychain.resolve({ registry, repository: "app" });
  assertEquals(await found.authorization(), { username: "AWS", password: "password" });
  assertMatch(authorization!, /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/ecr\/aws4_request/);
}
