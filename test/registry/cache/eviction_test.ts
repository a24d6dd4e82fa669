import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { collectStoreGarbage, evictCachedContent, memoryStore } from "../../../src/registry/mod.ts";
import { Repositories } from "../../../src/registry/content/repositories.ts";
import { cacheOf, MISS, Origin, status } from "./caching.ts";

const DAY = 86_400_000;

/** A cache with three images of 1,000 bytes and a shared layer, pulled on three days. */
async function filledCache() {
  const store = memoryStore();
  let now = Date.now(); // the store in memory has the clock of the machine
  const clock = () => now;
  const origin = new Origin({ clock });
  const cache = cacheOf(origin, { store, clock, proxy: { ttl: 0 } });
  const shared = await origin.client.blob("shared", "application/vnd.oci.image.layer.v1.tar", "s".repeat(1_000));
  const names = ["first", "second", "third"];
  const pull = async (name: string) => {
    const answer = await cache.client.send("GET", `/v2/${name}/manifests/v1`);
    const { config, layers } = JSON.parse(answer.text);
    for (const { digest } of [config, ...layers]) await cache.client.send("GET", `/v2/${name}/blobs/${digest}`);
    return status(answer.headers);
  };
  for (const name of names) {
    const image = await origin.client.image(name, name.padEnd(1_000, "x"));
    await origin.client.send("POST", `/v2/${name}/blobs/uploads/?mount=${shared.digest}&from=shared`);
    await origin.client.pushManifest(name, { ...image, layers: [...image.layers as unknown[], shared] }, "v1");
    assertEquals(await pull(name), MISS);
    now += DAY;
  }
  const repositories = new Repositories(store, clock);
  return { store, clock, pull, names: () => repositories.names(), wait: (ms: number) => void (now += ms) };
}

describe("evictCachedContent", () => {
  it("removes what was not pulled for a time, and a later pull brings it back", async () => {
    const { store, clock, pull, names, wait } = await filledCache();
    await pull("first");
    wait(DAY / 2);
    assertEquals(await evictCachedContent(store, { maxAge: 2 * DAY, clock }), 1);
    assertEquals(await names(), ["first", "third"]);
    wait(2 * DAY);
    const { blobs } = await collectStoreGarbage(store, { clock });
    assertEquals(blobs, 2); // the config and the layer of the second; the shared layer stays
    assertEquals(await pull("second"), MISS);
    assertEquals(await names(), ["first", "second", "third"]);
  });

  it("removes what was pulled least recently beyond a size, and counts a shared blob once", async () => {
    const { store, clock, names } = await filledCache();
    let total = 0;
    for await (const digest of store.blobs.list()) total += (await store.blobs.get(digest))!.size;
    assertEquals(await evictCachedContent(store, { maxSize: total, clock }), 0);
    assertEquals(await evictCachedContent(store, { maxSize: total - 1, clock }), 1);
    assertEquals(await names(), ["second", "third"]);
    assertEquals(await evictCachedContent(store, { maxSize: 1, clock }), 2);
    assertEquals(await names(), []);
  });

  it("removes nothing without a limit", async () => {
    const { store, clock } = await filledCache();
    assertEquals(await evictCachedContent(store, { clock }), 0);
  });
});
