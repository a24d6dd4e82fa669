import { assertEquals } from "@std/assert";
import { acrKeychain } from "@gcrane/gcrane/authn/acr";

/** Exchanges a token of Entra ID at a registry of Azure. */
export default async function (): Promise<void> {
  const asked: string[] = [];
  const keychain = acrKeychain({
    credential: { getToken: () => Promise.resolve({ token: "entra", expiresOnTimestamp: Date.now() + 3_600_000 }) },
    fetch: (input) => {
      asked.push(String(input instanceof Request ? input.url : input));
      return Promise.resolve(Response.json({ refresh_token: "identity" }));
    },
  });
  const found = await keychain.resolve({ registry: "team.azurecr.io", repository: "app" });
  assertEquals((await found.authorization()).identityToken, "identity");
  assertEquals(asked, ["https://team.azurecr.io/oauth2/exchange"]);
}
