import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import { collectStoreGarbageEvery, createRegistry, memoryStore } from "../../../src/registry/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

describe("collectStoreGarbageEvery", () => {
  it("goes on after a failure, and until it is told to stop", async () => {
    const store = memoryStore();
    const { fetch } = createRegistry({ store });
    const digest = await new RegistryClient({ fetch, base: "http://registry.example.com" }).pushBlob("a", "stray");
    const stop = new AbortController();
    const seen: unknown[] = [];
    let failures = 2;
    const failing = wrapStore(
      store,
      (operation) =>
        operation === "blobs.list" && failures-- > 0 ? Promise.reject(new StoreError("not now")) : Promise.resolve(),
    );
    await collectStoreGarbageEvery(failing, {
      interval: 1,
      clock: () => Date.now() + 100 * 3_600_000,
      onError: (error) => seen.push((error as Error).message),
      onCollected({ blobs }) {
        seen.push(blobs);
        if (seen.length === 4) stop.abort();
      },
      signal: stop.signal,
    });
    assertEquals(seen, ["not now", "not now", [{ digest, size: 5 }], []]);
  });

  it("wants an interval that is one", async () => {
    const { signal } = new AbortController();
    for (const interval of [0, -1, NaN]) {
      await assertRejects(() => collectStoreGarbageEvery(memoryStore(), { interval, signal }), RangeError, "positive");
    }
  });
});
