import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import {
  basicAccess,
  createRegistry,
  memoryStore,
  type RegistryOptions,
  type RegistryStore,
  type RequestRecord,
} from "../../../src/registry/mod.ts";
import { assertRefused, type Bytes, digestOf, encode, RegistryClient } from "../../contracts/registry_client.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const base = "http://registry.example.com";

/** Creates a registry that records its events. */
function noted(options: RegistryOptions = {}) {
  const records: RequestRecord[] = [];
  const registry = createRegistry({ ...options, onRequest: (record) => records.push(record) });
  return { ...registry, records, client: new RegistryClient({ fetch: registry.fetch, base }) };
}

describe("what a registry tells of each request", () => {
  it("is said once the last byte is gone, with what moved both ways", async () => {
    const { client, records, fetch } = noted({ clock: () => 1_700_000_000_000 });
    const digest = await client.pushBlob("a", "0123456789");
    const answer = await fetch(`${base}/v2/a/blobs/${digest}`);
    assertEquals(records.length, 1);
    await answer.arrayBuffer();
    await client.send("GET", `/v2/a/blobs/${digest}`, { headers: { Range: "bytes=2-4" } });
    await client.send("HEAD", `/v2/a/blobs/${digest}`);
    await client.send("GET", "/v2/a/manifests/none");
    assertEquals(records.map(({ method, route, status, bytesIn }) => [method, route, status, bytesIn]), [
      ["POST", "uploads", 201, 10],
      ["GET", "blob", 200, 0],
      ["GET", "blob", 206, 0],
      ["HEAD", "blob", 200, 0],
      ["GET", "manifest", 404, 0],
    ]);
    assertEquals(records.map(({ bytesOut }) => bytesOut).slice(0, 4), [0, 10, 3, 0]);
    assertEquals(records[1], {
      time: 1_700_000_000_000,
      method: "GET",
      path: `/v2/a/blobs/${digest}`,
      route: "blob",
      status: 200,
      bytesIn: 0,
      bytesOut: 10,
      ms: 0,
    });
  });

  it("names the address and the user, and no secret", async () => {
    const { handle, records } = noted({ access: basicAccess({ users: { ann: "hidden" } }) });
    const headers = { Authorization: `Basic ${btoa("ann:hidden")}`, "User-Agent": "test/1" };
    const request = (more: Record<string, string>) => new Request(`${base}/v2/a/tags/list?x=hidden`, { headers: more });
    await handle(request(headers), { address: "192.0.2.7" });
    await handle(request({ Authorization: `Basic ${btoa("ann:hidden too")}` }));
    const [known, unknown] = records;
    assertEquals([known.address, known.user, known.userAgent, known.path], [
      "192.0.2.7",
      "ann",
      "test/1",
      "/v2/a/tags/list",
    ]);
    assertEquals([unknown.status, unknown.user, unknown.address], [401, undefined, undefined]);
    assertEquals(/hidden|Basic/.test(JSON.stringify(records)), false);
  });

  it("says that an answer was cut, by the client or by the store", async () => {
    const store = memoryStore();
    const { client, records, fetch } = noted({ store: withBlob(store, () => failing(new StoreError("gone"))) });
    const digest = digestOf(encode("x"));
    await store.records.put("repositories/a/_blobs/" + digest.replace(":", "-"), new Uint8Array(0));
    const cut = await fetch(`${base}/v2/a/blobs/${digest}`);
    await cut.arrayBuffer().catch(() => {});
    const left = await fetch(`${base}/v2/a/blobs/${digest}`);
    await left.body!.cancel();
    assertEquals(records.map(({ status, cut, bytesOut }) => [status, cut, bytesOut]), [[200, true, 0], [200, true, 0]]);
    const { text } = await client.send("GET", "/metrics");
    assertMatch(text, /^gcrane_registry_answers_cut_total 2$/m);
  });
});

describe("/metrics", () => {
  it("adds up, by what was asked and how it was answered, and names no repository", async () => {
    const { client } = noted();
    await client.pushImage("hidden/name", "one", "v1");
    for (let i = 0; i < 3; i++) await client.send("GET", "/v2/hidden/name/manifests/v1");
    await client.send("GET", "/v2/hidden/name/manifests/v2");
    await client.send("OPTIONS", "/v2/hidden/name/manifests/v2");
    const { text, headers } = await client.send("GET", "/metrics");
    assertEquals(headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    const value = (line: string) =>
      Number(text.split("\n").find((each) => each.startsWith(`${line} `))?.split(" ").at(-1));
    assertEquals(value('gcrane_registry_requests_total{method="GET",route="manifest",status="200"}'), 3);
    assertEquals(value('gcrane_registry_requests_total{method="GET",route="manifest",status="404"}'), 1);
    assertEquals(value('gcrane_registry_requests_total{method="other",route="manifest",status="405"}'), 1);
    assertEquals(value('gcrane_registry_request_duration_seconds_count{method="GET",route="manifest"}'), 4);
    assertEquals(value('gcrane_registry_request_duration_seconds_bucket{method="GET",route="manifest",le="+Inf"}'), 4);
    assertEquals(value("gcrane_registry_requests_in_flight"), 1);
    assertEquals(value("gcrane_registry_received_bytes_total") > 300, true);
    assertEquals(value("gcrane_registry_failures_total"), 0);
    assertEquals(text.includes("hidden"), false);
    for (const line of text.trimEnd().split("\n")) {
      assertMatch(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [\d.e+-]+)$/);
    }
  });
});

describe("/metrics of the store", () => {
  const bytesOf = (text: string) => /^gcrane_registry_stored_bytes (.*)$/m.exec(text)?.[1];

  it("counts it with the first look, and again once it is due", async () => {
    let now = 1_700_000_000_000;
    const store = memoryStore();
    let counts = 0;
    const counting = wrapStore(store, () => Promise.resolve());
    counting.blobs.usage = () => {
      counts++;
      now += 2_000; // what the count takes
      return store.blobs.usage!();
    };
    const { client } = noted({ store: counting, clock: () => now });
    const look = async () => bytesOf((await client.send("GET", "/metrics")).text);
    await client.pushBlob("a", "0123456789");
    assertEquals(await look(), undefined);
    assertEquals(await look(), "10");
    await client.pushBlob("a", "01234");
    now += 199_000;
    assertEquals([await look(), await look(), counts], ["10", "10", 1]);
    now += 1_000;
    assertEquals([await look(), await look(), counts], ["10", "15", 2]);
  });

  it("goes on with the last count when another one fails, and reports that", async () => {
    let now = 1_700_000_000_000;
    const failure = new StoreError("no list now");
    const store = wrapStore(memoryStore(), () => Promise.resolve());
    const usages = [() => Promise.resolve({ blobs: 1, bytes: 7 }), () => Promise.reject(failure)];
    store.blobs.usage = () => usages.shift()!();
    const errors: unknown[] = [];
    const { client } = noted({ store, clock: () => now, onError: (error) => errors.push(error) });
    const look = async () => bytesOf((await client.send("GET", "/metrics")).text);
    assertEquals([await look(), await look()], [undefined, "7"]);
    now += 60_000;
    assertEquals([await look(), await look(), errors], ["7", "7", [failure]]);
  });
});

describe("/healthz", () => {
  it("says that all is well, or that the store does not answer", async () => {
    assertEquals((await noted().client.send("GET", "/healthz")).text, '{"status":"ok"}');
    const failure = new StoreError("can't read /secret/place");
    const store = wrapStore(memoryStore(), () => Promise.reject(failure));
    const told: unknown[] = [];
    const { client } = noted({ store, onError: (error) => told.push(error) });
    const answer = await client.send("GET", "/healthz");
    assertRefused(answer, 503, "UNKNOWN");
    assertEquals([told, answer.text.includes("secret")], [[failure], false]);
    assertRefused(await client.send("GET", "/v2/a/tags/list"), 500, "UNKNOWN");
    assertMatch((await client.send("GET", "/metrics")).text, /^gcrane_registry_failures_total 2$/m);
  });
});

function failing(error: Error): ReadableStream<Bytes> {
  return new ReadableStream({ pull: (controller) => controller.error(error) }, { highWaterMark: 0 });
}

/** The same store, whose blobs are read otherwise. */
function withBlob(store: RegistryStore, read: () => ReadableStream<Bytes>): RegistryStore {
  const blob = { size: 10, modified: 0, read: () => Promise.resolve(read()) };
  const { records, blobs, uploads } = wrapStore(store, () => Promise.resolve());
  return { records, blobs: { ...blobs, get: () => Promise.resolve(blob) }, uploads };
}
