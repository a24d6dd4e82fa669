import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FileError } from "../../../src/errors.ts";
import { memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import { assertRefused, type Bytes, digestOf } from "../../contracts/registry_client.ts";
import { base, cacheOf, HIT, MB, Origin, status, untilKept } from "./caching.ts";
import { noise } from "../../make/bytes.ts";
import { until } from "../../make/waiting.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

describe("a pull-through cache: blobs", () => {
  it("are fetched once for all who wait, and a client that does not read holds nobody up", async () => {
    const origin = new Origin();
    const bytes = noise(12 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    const { fetch, client } = cacheOf(origin);
    const path = `${base}/v2/a/blobs/${digest}`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(path)));
    const [sleeper, ...readers] = answers;
    for (const body of await Promise.all(readers.map(readBody))) assertEquals(digestOf(body), digest);
    await untilKept(client, `/v2/a/blobs/${digest}`);
    assertEquals(origin.asked().filter((line) => line.startsWith("GET")), [`GET /v2/a/blobs/${digest}`]);
    assertEquals(digestOf(await readBody(sleeper)), digest); // it goes on from what is kept
  });

  it("flow to a single client as they come", async () => {
    const origin = new Origin();
    const bytes = noise(2 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    let allowed = 3;
    let more = () => {};
    origin.beforeChunk = async () => {
      if (allowed-- <= 0) await new Promise<void>((resolve) => more = resolve);
    };
    const { fetch } = cacheOf(origin);
    const reader = (await fetch(`${base}/v2/a/blobs/${digest}`)).body!.getReader();
    const { value } = await reader.read(); // while the upstream has sent only a part
    assertEquals(value, bytes.slice(0, value!.length));
    allowed = Infinity;
    more();
    let size = value!.length;
    for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.length;
    assertEquals(size, bytes.length);
  });

  it("do not run away from a single slow client, whose memory stays small", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", noise(12 * MB));
    let fetched = 0;
    origin.beforeChunk = () => Promise.resolve(void fetched++);
    const { fetch } = cacheOf(origin);
    const reader = (await fetch(`${base}/v2/a/blobs/${digest}`)).body!.getReader();
    await reader.read();
    for (let i = 0; i < 100; i++) await (await fetch(`${base}/v2/`)).body?.cancel();
    assertEquals(fetched <= 24, true, `${fetched} chunks of 256 KiB were fetched for a client that read one`);
    await reader.cancel();
  });

  it("are kept though the client leaves", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", noise(6 * MB));
    const kept: Promise<unknown>[] = [];
    const { handle, client } = cacheOf(origin);
    const request = new Request(`${base}/v2/a/blobs/${digest}`);
    const response = await handle(request, { waitUntil: (work) => kept.push(work) });
    await response.body!.cancel();
    await Promise.all(kept);
    assertEquals(kept.length, 1);
    assertEquals(status((await client.send("GET", `/v2/a/blobs/${digest}`)).headers), HIT);
  });

  it("that are wrong, or end early, reach nobody whole and are not kept", async () => {
    for (const fault of ["wrong", "short"]) {
      const origin = new Origin();
      const bytes = noise(3 * MB);
      const digest = await origin.client.pushBlob("a", bytes);
      let chunks = 0;
      origin.spoil = (chunk) => {
        if (++chunks < 5) return chunk;
        if (fault === "short") throw new TypeError("the connection is cut");
        return chunk.map((byte) => byte ^ 1);
      };
      const store = memoryStore();
      const cache = cacheOf(origin, { store, proxy: { ttl: 1 } });
      const response = await cache.fetch(`${base}/v2/a/blobs/${digest}`);
      assertEquals(response.status, 200);
      let got = 0;
      await assertRejects(async () => {
        for await (const chunk of response.body!) got += chunk.length;
      });
      assertEquals(got < bytes.length, true);
      await until(() => cache.errors.length === 1);
      assertEquals(await store.blobs.get(digest), undefined);
      assertEquals(await store.records.list("uploads/"), []);
      origin.spoil = undefined;
      assertEquals((await cache.client.send("GET", `/v2/a/blobs/${digest}`)).bytes, bytes);
    }
  });

  it("go on where a connection was cut", async () => {
    const origin = new Origin();
    const bytes = noise(3 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    let chunks = 0;
    origin.spoil = (chunk) => {
      if (++chunks === 5) throw new TypeError("the connection is cut");
      return chunk;
    };
    const { client, errors } = cacheOf(origin);
    assertEquals((await client.send("GET", `/v2/a/blobs/${digest}`)).bytes, bytes);
    assertEquals([origin.asked().filter((line) => line.startsWith("GET")).length, errors], [2, []]);
  });

  it("reach the client though they can't be kept", async () => {
    const origin = new Origin();
    const bytes = noise(3 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    for (const fails of ["uploads.append", "uploads.finish", "records.put"] as const) {
      const store = failingStore(fails);
      const { client, errors } = cacheOf(origin, { store });
      const answer = await client.send("GET", `/v2/a/blobs/${digest}`);
      assertEquals([answer.status, answer.bytes.length], [200, bytes.length], fails);
      await until(() => errors.length === 1);
    }
  });

  it("of one repository are not shown as another's", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("private", "secret");
    await origin.client.pushBlob("other", "x");
    const { client } = cacheOf(origin);
    await client.send("GET", `/v2/private/blobs/${digest}`);
    assertRefused(await client.send("GET", `/v2/other/blobs/${digest}`), 404, "BLOB_UNKNOWN");
    await origin.client.pushBlob("other", "secret");
    origin.asked();
    assertEquals((await client.send("GET", `/v2/other/blobs/${digest}`)).text, "secret");
    assertEquals(origin.asked(), [`HEAD /v2/other/blobs/${digest}`]); // the bytes are here
  });

  it("are counted as hits and misses", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", "x");
    const { client } = cacheOf(origin);
    await client.send("GET", `/v2/a/blobs/${digest}`);
    await untilKept(client, `/v2/a/blobs/${digest}`);
    const { text } = await client.send("GET", "/metrics");
    assertMatch(text, /^gcrane_registry_cache_answers_total\{outcome="miss"\} \d$/m);
    assertMatch(text, /^gcrane_registry_cache_answers_total\{outcome="hit"\} 1$/m);
  });
});

/** Reads all of a body, in as many steps as it comes. */
async function readBody(response: Response): Promise<Bytes> {
  return new Uint8Array(await response.arrayBuffer());
}

/** A store in memory of which one method fails; `records.put` for blobs' links alone. */
function failingStore(method: "uploads.append" | "uploads.finish" | "records.put"): RegistryStore {
  return wrapStore(memoryStore(), async (operation, key, body) => {
    if (operation !== method || operation === "records.put" && !String(key).includes("_blobs")) return;
    if (operation === "uploads.append") { // takes a little, as a disk does that is nearly full
      const reader = (body as ReadableStream<Bytes>).getReader();
      await reader.read();
      await reader.cancel();
    }
    throw new FileError("no space left on device", { errno: "ENOSPC" });
  });
}
