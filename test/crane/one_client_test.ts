import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { basic, type Keychain } from "../../src/authn/mod.ts";
import { digest } from "../../src/crane/mod.ts";
import { Client } from "../../src/remote/mod.ts";
import { fakeFetch, FakeRegistry } from "../fakes/mod.ts";
import { addImage } from "../make/remoting.ts";

const CALLS = 50;
const keychain: Keychain = { resolve: () => Promise.resolve(basic("ann", "s3cret")) };

/** Calls that share a client, one after the other or all at once. */
const orders: Record<string, (call: () => Promise<string>) => Promise<string[]>> = {
  "one after the other": async (call) => {
    const answers = [];
    for (let i = 0; i < CALLS; i++) answers.push(await call());
    return answers;
  },
  "all at once": (call) => Promise.all(Array.from({ length: CALLS }, call)),
};

describe("50 calls with one client", () => {
  for (const [order, calls] of Object.entries(orders)) {
    it(`make one request each, and together one ping and ask for one token, ${order}`, async () => {
      const registry = new FakeRegistry({ auth: "bearer" });
      const { descriptor } = addImage(registry, "app", { tag: "v1" });
      const { fetch, requests } = fakeFetch({ "https://registry.example.com": registry.handle });
      const client = new Client({ fetch, keychain });
      const digests = await calls(() => digest("registry.example.com/app:v1", { client }));
      assertEquals(new Set(digests), new Set([descriptor.digest]));
      assert(requests.length <= CALLS + 2, `${requests.length} requests`);
    });
  }
});
