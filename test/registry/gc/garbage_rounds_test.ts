import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import {
  collectStoreGarbageEvery,
  createRegistry,
  memoryStore,
  type RegistryStore,
  s3Store,
} from "../../../src/registry/mod.ts";
import { encode, RegistryClient } from "../../contracts/registry_client.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";
import { until, within } from "../../make/waiting.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const HOUR = 3_600_000;

const stores: [name: string, open: () => RegistryStore][] = [["memory", memoryStore], ["a bucket", () => {
  const s3 = new FakeS3();
  return s3Store({ ...s3.keys, fetch: s3.fetch });
}]];

describe("collectStoreGarbageEvery", () => {
  it("goes on after a failure, and until it is told to stop", async () => {
    const store = memoryStore();
    const { fetch } = createRegistry({ store });
    const digest = await new RegistryClient({ fetch, base: "http://registry.example.com" }).pushBlob("a", "stray");
    const stop = new AbortController();
    const seen: unknown[] = [];
    let failures = 2;
    const isRemoved = async () => await store.blobs.get(digest) === undefined;
    const failing = wrapStore(
      store,
      (operation, key) =>
        operation === "records.list" && key === "mentions/" && failures-- > 0
          ? Promise.reject(new StoreError("not now"))
          : Promise.resolve(),
    );
    await collectStoreGarbageEvery(failing, {
      interval: 1,
      clock: () => Date.now() + 100 * 3_600_000,
      onError: (error) => seen.push((error as Error).message),
      onCollected({ blobs, bytes }) {
        seen.push([blobs, bytes]);
        if (seen.length === 4) stop.abort();
      },
      signal: stop.signal,
    });
    assertEquals(seen, ["not now", "not now", [1, 5], [0, 0]]);
    assertEquals(await isRemoved(), true);
  });

  it("makes a round that became due while no server ran", async () => {
    const store = memoryStore();
    let now = 1_700_000_000_000;
    const run = async (isOver: (rounds: number) => boolean | Promise<boolean>) => {
      const stop = new AbortController();
      let rounds = 0;
      const running = collectStoreGarbageEvery(store, {
        interval: 24 * HOUR,
        clock: () => now,
        onCollected: () => void rounds++,
        signal: stop.signal,
      });
      await until(() => isOver(rounds), { what: "a round", limit: 10_000 });
      stop.abort();
      await running;
      return rounds;
    };
    assertEquals(await run(async () => (await store.records.list("gc/")).length > 0), 0);
    now += 20 * HOUR; // the server is restarted, and again
    assertEquals(await run(async () => (await store.records.list("gc/")).length > 0), 0);
    now += 5 * HOUR;
    assertEquals(await run((rounds) => rounds > 0), 1);
  });

  for (const [name, open] of stores) {
    it(`makes each round on one of several servers, on ${name}`, async () => {
      const store = open();
      let now = 1_700_000_000_000;
      const stop = new AbortController();
      let [looks, walks, rounds] = [0, 0, 0];
      const watched = wrapStore(store, async (operation, key) => {
        if (operation === "records.get" && key === "gc/rounds") looks++;
        if (operation !== "records.list" || key !== "repositories/") return;
        walks++;
        await until(() => looks >= 4, { what: "the other servers" });
      });
      const first = new AbortController();
      const options = { interval: 24 * HOUR, clock: () => now };
      const before = collectStoreGarbageEvery(store, { ...options, signal: first.signal });
      await until(async () => (await store.records.list("gc/")).length > 0);
      first.abort();
      await before;
      now += 25 * HOUR;
      const servers = Array.from(
        { length: 4 },
        () => collectStoreGarbageEvery(watched, { ...options, onCollected: () => void rounds++, signal: stop.signal }),
      );
      await until(() => rounds > 0);
      stop.abort();
      await Promise.all(servers);
      assertEquals([walks, rounds], [1, 1]);
    });
  }

  it("makes the round of a server that died in it", async () => {
    const store = memoryStore();
    const now = 1_700_000_000_000;
    const stop = new AbortController();
    const held = { due: now - HOUR, holder: { id: "dead", until: now - 1 } };
    await store.records.put("gc/rounds", encode(JSON.stringify(held)));
    let rounds = 0;
    const onCollected = () => {
      rounds++;
      stop.abort();
    };
    const running = collectStoreGarbageEvery(store, {
      interval: HOUR,
      clock: () => now,
      onCollected,
      signal: stop.signal,
    });
    await within(running, { what: "a round" });
    assertEquals(rounds, 1);
    assertEquals(JSON.parse(new TextDecoder().decode(await store.records.get("gc/rounds"))), { due: now + HOUR });
  });

  it("wants an interval that is one", async () => {
    const { signal } = new AbortController();
    for (const interval of [0, -1, NaN]) {
      await assertRejects(() => collectStoreGarbageEvery(memoryStore(), { interval, signal }), RangeError, "positive");
    }
  });
});
