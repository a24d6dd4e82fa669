import { assertEquals } from "@std/assert";
import { anonymous, multiKeychain } from "@gcrane/gcrane/authn";
import { cloudOf, lazyCloudKeychain } from "@gcrane/gcrane/authn/clouds";

/** Chooses the cloud of a registry by its name, and loads its code then. */
export default async function (): Promise<void> {
  assertEquals(cloudOf("europe-docker.pkg.dev"), "google");
  assertEquals(cloudOf("registry.example.com"), undefined);
  const keychain = multiKeychain(
    lazyCloudKeychain("google", { tokenSource: { getAccessToken: () => Promise.resolve("ya29.token") } }),
    lazyCloudKeychain("github", { token: "ghs_token" }),
  );
  const password = async (registry: string) =>
    (await (await keychain.resolve({ registry, repository: "team/app" })).authorization()).password;
  assertEquals(await password("gcr.io"), "ya29.token");
  assertEquals(await password("ghcr.io"), "ghs_token");
  assertEquals(await keychain.resolve({ registry: "registry.example.com", repository: "app" }), anonymous);
}
