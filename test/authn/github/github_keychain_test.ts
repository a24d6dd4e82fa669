import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { anonymous } from "../../../src/authn/mod.ts";
import { githubKeychain } from "../../../src/authn/github/mod.ts";

const TARGET = { registry: "ghcr.io", repository: "octocat/app" };
const from = (variables: Record<string, string | undefined>) => (name: string) => variables[name];

describe("githubKeychain", () => {
  it("shows the workflow's token, with the name of who started it", async () => {
    const keychain = githubKeychain({ environment: from({ GITHUB_TOKEN: "ghs_1", GITHUB_ACTOR: "octocat" }) });
    const found = await keychain.resolve(TARGET);
    assertEquals(await found.authorization(), { username: "octocat", password: "ghs_1" });
  });

  it("shows it with the name unset where there is none", async () => {
    for (const variables of [{ GITHUB_TOKEN: "ghs_1" }, { GITHUB_TOKEN: "ghs_1", GITHUB_ACTOR: "" }]) {
      const found = await githubKeychain({ environment: from(variables) }).resolve(TARGET);
      assertEquals(await found.authorization(), { username: "unset", password: "ghs_1" });
    }
  });

  it("takes both as options too", async () => {
    const environment = from({ GITHUB_TOKEN: "ghs_1", GITHUB_ACTOR: "octocat" });
    const found = await githubKeychain({ environment, token: "ghp_2", actor: "ann" }).resolve(TARGET);
    assertEquals(await found.authorization(), { username: "ann", password: "ghp_2" });
    assertStrictEquals(await githubKeychain({ environment, token: "" }).resolve(TARGET), anonymous);
  });

  it("is anonymous without a token", async () => {
    for (const variables of [{}, { GITHUB_TOKEN: "" }]) {
      assertStrictEquals(await githubKeychain({ environment: from(variables) }).resolve(TARGET), anonymous);
    }
  });

  it("finds a token that is replaced meanwhile", async () => {
    const variables = { GITHUB_TOKEN: "ghs_1" };
    const keychain = githubKeychain({ environment: from(variables) });
    await keychain.resolve(TARGET);
    variables.GITHUB_TOKEN = "ghs_2";
    assertEquals((await (await keychain.resolve(TARGET)).authorization()).password, "ghs_2");
  });

  it("looks at nothing for another registry", async () => {
    const looked: string[] = [];
    const environment = (name: string) => {
      looked.push(name);
      return "ghs_1";
    };
    const keychain = githubKeychain({ environment });
    for (
      const registry of ["index.docker.io", "docker.pkg.github.com", "ghcr.io.example.com", "xghcr.io", "ghcr.io:5000"]
    ) {
      assertStrictEquals(await keychain.resolve({ registry }), anonymous, registry);
    }
    assertEquals(looked, []);
  });

  it("ends with the signal", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => githubKeychain({ token: "t" }).resolve(TARGET, { signal }), Error, "enough");
  });
});
