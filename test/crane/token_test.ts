import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { basic, type Keychain } from "../../src/authn/mod.ts";
import { token } from "../../src/crane/mod.ts";
import { fakeFetch, FakeRegistry } from "../fakes/mod.ts";

const keychain: Keychain = { resolve: () => Promise.resolve(basic("ann", "s3cret")) };

function fakes(auth?: "basic" | "bearer"): { registry: FakeRegistry; fetch: typeof fetch } {
  const registry = new FakeRegistry({ auth });
  return { registry, fetch: fakeFetch({ "https://registry.example.com": registry.handle }).fetch };
}

describe("token", () => {
  it("is what a client would send", async () => {
    const bearer = fakes("bearer");
    assertEquals(await token("registry.example.com/app", { fetch: bearer.fetch, keychain }), "Bearer token-1");
    assertEquals(bearer.registry.tokens.asked, [["repository:app:pull"]]);
    const { fetch } = fakes("basic");
    assertEquals(await token("registry.example.com/app", { fetch, keychain }), `Basic ${btoa("ann:s3cret")}`);
    assertEquals(await token("registry.example.com/app", { fetch: fakes().fetch }), undefined);
  });

  it("allows what it is asked for", async () => {
    const { registry, fetch } = fakes("bearer");
    const options = { fetch, keychain, push: true, mount: ["registry.example.com/base"] };
    const header = (await token("registry.example.com/app", options))!;
    assertEquals(registry.tokens.allows(header, "repository:app:push"), true);
    assertEquals(registry.tokens.allows(header, "repository:base:pull"), true);
    assertEquals(registry.tokens.allows(header, "repository:base:push"), false);
  });
});
