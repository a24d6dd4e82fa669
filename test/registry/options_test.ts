import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { StoreError } from "../../src/errors.ts";
import { createRegistry, memoryStore } from "../../src/registry/mod.ts";
import { assertRefused, digestOf, encode, RegistryClient } from "../contracts/registry_client.ts";
import { wrapStore } from "./stores/wrapped_store.ts";

const base = "http://registry.example.com";

const mediaType = "application/vnd.example+json";

/** Makes a manifest of an unknown type with a number of bytes. */
function sized(size: number): string {
  const bare = JSON.stringify({ mediaType, fill: "" });
  return JSON.stringify({ mediaType, fill: "x".repeat(size - bare.length) });
}

describe("createRegistry", () => {
  it("answers whatever the global fetch takes", async () => {
    const { fetch } = createRegistry();
    for (const input of [`${base}/v2/`, new URL("/v2/", base), new Request(`${base}/v2/`)]) {
      const answer = await fetch(input);
      assertEquals([answer.status, await answer.text()], [200, "{}"]);
    }
    assertEquals((await fetch(new Request(`${base}/v2/x/blobs/uploads/`), { method: "POST" })).status, 202);
  });

  it("looks past what servers pass beside a request", async () => {
    const { fetch } = createRegistry();
    const handler = fetch as (request: Request, more: unknown) => Promise<Response>;
    const upload = () => new Request(`${base}/v2/x/blobs/uploads/`, { method: "POST" });
    const passed = [{ remoteAddr: { hostname: "127.0.0.1" }, completed: Promise.resolve() }, { BUCKET: {} }, {}];
    for (const more of passed) assertEquals((await handler(upload(), more)).status, 202);
  });

  it("keeps what two registries over one store have apart from nothing else", async () => {
    const store = memoryStore();
    const [one, other] = [0, 1].map(() => new RegistryClient({ fetch: createRegistry({ store }).fetch, base }));
    const upload = await one.startUpload("shared");
    await other.send("PATCH", upload, { body: encode("begun here, ") });
    await one.send("PATCH", upload, { body: encode("ended there") });
    const digest = digestOf(encode("begun here, ended there"));
    assertEquals((await other.send("PUT", `${upload}?digest=${digest}`)).status, 201);
    assertEquals((await one.send("GET", `/v2/shared/blobs/${digest}`)).text, "begun here, ended there");
  });

  it("refuses every change when it is read-only, and serves", async () => {
    const store = memoryStore();
    const writer = new RegistryClient({ fetch: createRegistry({ store }).fetch, base });
    const image = await writer.pushImage("fixed", "image", "v1");
    const blob = await writer.pushBlob("fixed", "blob");
    const upload = await writer.startUpload("fixed");

    const client = new RegistryClient({ fetch: createRegistry({ store, readOnly: true }).fetch, base });
    const changes: [method: string, path: string][] = [
      ["POST", "/v2/fixed/blobs/uploads/"],
      ["POST", `/v2/fixed/blobs/uploads/?mount=${blob}`],
      ["PATCH", upload],
      ["PUT", `${upload}?digest=${blob}`],
      ["DELETE", upload],
      ["PUT", "/v2/fixed/manifests/v2"],
      ["DELETE", "/v2/fixed/manifests/v1"],
      ["DELETE", `/v2/fixed/manifests/${image.digest}`],
      ["DELETE", `/v2/fixed/blobs/${blob}`],
    ];
    for (const [method, path] of changes) assertRefused(await client.send(method, path), 405, "UNSUPPORTED");
    const reads = [`manifests/v1`, `manifests/${image.digest}`, `blobs/${blob}`, "tags/list"];
    for (const path of reads) assertEquals((await client.send("GET", `/v2/fixed/${path}`)).status, 200);
    assertEquals((await client.send("GET", upload)).status, 204);
  });

  it("marks manifests with the time of its clock", async () => {
    let now = 1_700_000_000_000;
    const { fetch } = createRegistry({ clock: () => now });
    const client = new RegistryClient({ fetch, base });
    const uploaded = async (digest: string) =>
      JSON.parse((await client.send("GET", "/v2/timed/tags/list")).text).manifest[digest].timeUploadedMs;
    const { digest } = await client.pushImage("timed", "image");
    assertEquals(await uploaded(digest), "1700000000000");
    now += 1;
    await client.pushImage("timed", "image");
    assertEquals(await uploaded(digest), "1700000000001");
  });

  it("takes manifests of 4 MiB, and no larger ones", async () => {
    const client = new RegistryClient({ fetch: createRegistry().fetch, base });
    const headers = { "Content-Type": mediaType };
    const [exact, larger] = [4_194_304, 4_194_305].map(sized);
    assertEquals((await client.send("PUT", "/v2/x/manifests/v1", { body: exact, headers })).status, 201);
    assertRefused(await client.send("PUT", "/v2/x/manifests/v2", { body: larger, headers }), 413, "SIZE_INVALID");
  });

  it("takes manifests up to its limit", async () => {
    const { fetch } = createRegistry({ manifestLimit: 200 });
    const client = new RegistryClient({ fetch, base });
    assertEquals(encode(sized(200)).length, 200);
    const headers = { "Content-Type": mediaType };
    assertEquals((await client.send("PUT", "/v2/x/manifests/v1", { body: sized(200), headers })).status, 201);
    const said: Record<string, string>[] = [{}, { "Content-Length": "201" }];
    for (const more of said) {
      const answer = await client.send("PUT", "/v2/x/manifests/v2", {
        body: sized(201),
        headers: { ...headers, ...more },
      });
      assertRefused(answer, 413, "SIZE_INVALID");
    }
    assertEquals((await client.send("HEAD", "/v2/x/manifests/v2")).status, 404);
  });

  it("tells its owner, and not the client, what went wrong in the store", async () => {
    const failure = new StoreError("can't read /srv/secret/place: EIO");
    const store = wrapStore(memoryStore(), () => Promise.reject(failure));
    const told: unknown[] = [];
    const { fetch } = createRegistry({ store, onError: (error) => told.push(error) });
    const client = new RegistryClient({ fetch, base });
    for (const [method, path] of [["GET", "tags/list"], ["GET", "manifests/v1"], ["POST", "blobs/uploads/"]]) {
      const answer = await client.send(method, `/v2/x/${path}`);
      assertRefused(answer, 500, "UNKNOWN");
      assertEquals(answer.text.includes("secret"), false);
    }
    assertEquals(told, [failure, failure, failure]);
    const signal = AbortSignal.abort(new Error("the client left"));
    await createRegistry({ onError: (error) => told.push(error) }).fetch(`${base}/v2/x/tags/list`, { signal });
    assertEquals(told.length, 3);
  });
});
