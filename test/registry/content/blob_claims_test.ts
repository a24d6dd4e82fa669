import { beforeEach, describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { collectStoreGarbage, createRegistry, memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import { digestOf, encode, RegistryClient } from "../../contracts/registry_client.ts";
import { until } from "../../make/waiting.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const HOUR = 3_600_000;

describe("claims of blobs", () => {
  let now: number;
  let store: RegistryStore;
  const clock = () => now;
  const clientOf = (store: RegistryStore) =>
    new RegistryClient({ fetch: createRegistry({ store, clock }).fetch, base: "http://registry.example.com" });

  beforeEach(() => {
    now = Date.now();
    store = memoryStore();
  });

  it("are safe from a removal that takes longer than 10 seconds: it goes no further", async () => {
    for (const [ms, isRemoved] of [[10_000, true], [10_001, false]] as const) {
      const digest = await clientOf(store).pushBlob("a", `slow ${ms}`);
      now += 25 * HOUR;
      let steps = 0;
      const slow = wrapStore(store, (operation, key) => {
        // The first step of the removal is that of the repository's link to the blob.
        if (operation === "records.delete" && String(key).includes("_blobs/") && ++steps === 1) now += ms;
        return Promise.resolve();
      });
      const { blobs } = await collectStoreGarbage(slow, { clock });
      assertEquals([steps, blobs], [1, isRemoved ? 1 : 0], `after ${ms} ms`);
      assertEquals(await store.blobs.get(digest) === undefined, isRemoved, `after ${ms} ms`);
      assertEquals(await store.records.list("removals/"), []);
    }
    assertEquals((await collectStoreGarbage(store, { clock })).blobs, 1);
  });

  it("let a collection remove from a slow store what it has time for, in smaller removals", async () => {
    const strays = Array.from({ length: 10_000 }, (_, i) => `stray ${String(i).padStart(4, "0")}`)
      .filter((text) => digestOf(encode(text)).startsWith("sha256:00"));
    for (const text of strays) await clientOf(store).pushBlob("a", text);
    now += 25 * HOUR;
    // The records of a removal of all of them take longer than a removal may.
    const slow = wrapStore(store, () => Promise.resolve(void (now += 300)));
    const { blobs, bytes } = await collectStoreGarbage(slow, { clock, prefix: "00" });
    assertEquals([blobs, bytes, strays.length > 20], [strays.length, strays.length * "stray 0000".length, true]);
    for (const text of strays) assertEquals(await store.blobs.get(digestOf(encode(text))), undefined);
    assertEquals(await store.records.list("removals/"), []);
  });

  it("wait for a removal for a minute, and no longer", { timeout: 20_000 }, async () => {
    const digest = digestOf(encode("contended"));
    await clientOf(store).pushBlob("a", "contended");
    const path = `removals/${digest.replace(":", "-")}/`;
    await store.records.put(path + "one", encode(String(now)));
    let looks = 0;
    const counting = wrapStore(store, (operation, key) => {
      if (operation === "records.list" && key === path) looks++;
      return Promise.resolve();
    });
    let isClaimed = false;
    const claimed = clientOf(counting).send("POST", `/v2/b/blobs/uploads/?mount=${digest}`).then((answer) => {
      isClaimed = true;
      return answer;
    });
    now += 60_000;
    await until(() => looks > 2);
    assertEquals([isClaimed, await store.records.list(path)], [false, ["one"]]);
    now += 1;
    assertEquals((await claimed).status, 201);
    assertEquals(await store.records.list(path), []);
  });
});
