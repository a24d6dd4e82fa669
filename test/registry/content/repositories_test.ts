import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createRegistry, memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import { assertRefused, IMAGE, RegistryClient } from "../../contracts/registry_client.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

function clientOf(store: RegistryStore, clock?: () => number): RegistryClient {
  return new RegistryClient({ fetch: createRegistry({ store, clock }).fetch, base: "http://registry.example.com" });
}

describe("a manifest that is pushed", () => {
  it("is there for its new tag though it was deleted before the tag was written", async () => {
    const store = memoryStore();
    const client = clientOf(store);
    const subject = await client.pushImage("a", "subject");
    const image = await client.image("a", "raced", { subject });
    const { digest } = await client.pushManifest("a", image);
    let deletions = 0;
    const racing = wrapStore(store, async (operation, key) => {
      if (operation !== "records.put" || !String(key).includes("_tags/") || deletions > 0) return;
      deletions++;
      assertEquals((await client.send("DELETE", `/v2/a/manifests/${digest}`)).status, 202);
    });
    await clientOf(racing).pushManifest("a", image, "v1");
    assertEquals(deletions, 1);
    const pulled = await client.send("GET", "/v2/a/manifests/v1");
    assertEquals([pulled.status, pulled.headers.get("Docker-Content-Digest")], [200, digest]);
    const referrers = JSON.parse((await client.send("GET", `/v2/a/referrers/${subject.digest}`)).text);
    assertEquals(referrers.manifests.map((each: { digest: string }) => each.digest), [digest]);
  });

  it("is refused where the store takes so long that its blobs may be gone", async () => {
    let now = Date.now();
    const store = memoryStore();
    const image = await clientOf(store).image("a", "slow");
    for (const [ms, status] of [[30_000, 201], [30_001, 500]] as const) {
      const slow = wrapStore(store, (operation, key) => {
        if (operation === "records.put" && String(key).includes("_manifests/")) now += ms;
        return Promise.resolve();
      });
      const put = { body: JSON.stringify(image), headers: { "Content-Type": IMAGE } };
      const answer = await clientOf(slow, () => now).send("PUT", `/v2/a/manifests/after-${ms}`, put);
      if (status === 500) assertRefused(answer, 500, "UNKNOWN");
      assertEquals(answer.status, status);
      const found = await clientOf(store).send("HEAD", `/v2/a/manifests/after-${ms}`);
      assertEquals(found.status, status === 201 ? 200 : 404);
    }
  });
});
