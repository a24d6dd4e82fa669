import { assertEquals } from "@std/assert";
import { githubKeychain } from "@gcrane/gcrane/authn/github";

/** Signs in to GitHub's registry with the variables of a workflow. */
export default async function (): Promise<void> {
  const variables: Record<string, string> = { GITHUB_TOKEN: "ghs_token", GITHUB_ACTOR: "octocat" };
  const keychain = githubKeychain({ environment: (name) => variables[name] });
  const found = await keychain.resolve({ registry: "ghcr.io", repository: "octocat/app" });
  assertEquals(await found.authorization(), { username: "octocat", password: "ghs_token" });
}
