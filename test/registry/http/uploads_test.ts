import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createRegistry, memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import {
  type Answer,
  assertRefused,
  digestOf,
  encode,
  RegistryClient,
  withQuery,
} from "../../contracts/registry_client.ts";
import { stream, text } from "../../contracts/store_contract.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

function start(store: RegistryStore = memoryStore()): RegistryClient {
  return new RegistryClient({ fetch: createRegistry({ store }).fetch, base: "http://registry.example.com" });
}

describe("an upload", () => {
  it("whose body breaks off keeps what came, and shows nothing", async () => {
    const client = start();
    const upload = await client.startUpload("broken");
    const body = stream(text("hello "), new Error("the line went dead"));
    assertRefused(await client.send("PATCH", upload, { body }), 400, "BLOB_UPLOAD_INVALID");
    assertEquals((await client.send("GET", upload)).headers.get("Range"), "0-5");
    const digest = digestOf(encode("hello world"));
    assertEquals((await client.send("HEAD", `/v2/broken/blobs/${digest}`)).status, 404);
    const rest = { body: encode("world"), headers: { "Content-Range": "6-10" } };
    assertEquals((await client.send("PUT", withQuery(upload, `digest=${digest}`), rest)).status, 201);
    assertEquals((await client.send("GET", `/v2/broken/blobs/${digest}`)).text, "hello world");
  });

  it("in one request whose body breaks off leaves nothing", async () => {
    const store = memoryStore();
    const ids: string[] = [];
    const watched = wrapStore(store, (operation, id) => {
      if (operation === "uploads.append") ids.push(String(id));
      return Promise.resolve();
    });
    const client = start(watched);
    const digest = digestOf(encode("hello world"));
    const body = stream(text("hello "), new Error("the line went dead"));
    const answer = await client.send("POST", `/v2/broken/blobs/uploads/?digest=${digest}`, { body });
    assertRefused(answer, 400, "BLOB_UPLOAD_INVALID");
    assertEquals([ids.length, await store.uploads.size(ids[0])], [1, 0]);
    assertEquals(await store.records.list(""), []);
  });

  it("whose length is not the one that was said is refused", async () => {
    const client = start();
    const digest = digestOf(encode("hello"));
    const headers = { "Content-Length": "6" };
    const post = { body: stream(text("hello")), headers };
    const answer = await client.send("POST", `/v2/short/blobs/uploads/?digest=${digest}`, post);
    assertRefused(answer, 400, "SIZE_INVALID");
    assertEquals((await client.send("HEAD", `/v2/short/blobs/${digest}`)).status, 404);
    const upload = await client.startUpload("short");
    const patch = { body: stream(text("hello")), headers: { "Content-Range": "0-9" } };
    assertRefused(await client.send("PATCH", upload, patch), 400, "SIZE_INVALID");
    assertRefused(await client.send("GET", upload), 404, "BLOB_UPLOAD_UNKNOWN");
  });

  it("that a client comes back to is taken from the connection that hangs", async () => {
    const client = start();
    const upload = await client.startUpload("hanging");
    const { body, cancelled, read } = hangingAfter(text("hello "));
    const hanging = client.send("PATCH", upload, { body });
    await read;
    assertEquals((await client.send("GET", upload)).headers.get("Range"), "0-5");
    const digest = digestOf(encode("hello world"));
    const rest = { body: encode("world"), headers: { "Content-Range": "6-10" } };
    assertEquals((await client.send("PUT", withQuery(upload, `digest=${digest}`), rest)).status, 201);
    assertRefused(await hanging, 400, "BLOB_UPLOAD_INVALID");
    await cancelled;
  });

  it("that is cancelled in the middle stops", async () => {
    const store = memoryStore();
    const client = start(store);
    const upload = await client.startUpload("hanging");
    const { body, cancelled, read } = hangingAfter(text("hello "));
    const hanging = client.send("PATCH", upload, { body });
    await read;
    assertEquals((await client.send("DELETE", upload)).status, 204);
    await cancelled;
    assertRefused(await hanging, 400, "BLOB_UPLOAD_INVALID");
    assertEquals([await store.uploads.size(upload.split("/").at(-1)!), await store.records.list("")], [0, []]);
  });

  it("that several requests want to close is closed once", async () => {
    const client = start();
    const upload = await client.startUpload("race");
    await client.send("PATCH", upload, { body: encode("hello") });
    const url = withQuery(upload, `digest=${digestOf(encode("hello"))}`);
    const answers: Answer[] = await Promise.all([1, 2, 3].map(() => client.send("PUT", url)));
    assertEquals(answers.map((answer) => answer.status).sort(), [201, 404, 404]);
  });

  it("that is begun and ended leaves no record of itself", async () => {
    const store = memoryStore();
    const client = start(store);
    const upload = await client.startUpload("done");
    assertEquals(await store.records.list("uploads/"), [upload.split("/").at(-1)]);
    await client.send("PUT", withQuery(upload, `digest=${digestOf(encode("x"))}`), { body: encode("y") });
    assertEquals(await store.records.list("uploads/"), []);
    const second = await client.startUpload("done");
    await client.send("PUT", withQuery(second, `digest=${digestOf(encode("x"))}`), { body: encode("x") });
    assertEquals(await store.records.list(""), ["claims/", "mentions/", "repositories/"]);
  });
});

describe("a manifest and its tags", () => {
  it("stay together when it is pushed and deleted at the same time", async () => {
    const client = start();
    const value = await client.image("race", "image");
    const bytes = encode(JSON.stringify(value));
    const digest = digestOf(bytes);
    for (let round = 0; round < 20; round++) {
      const headers = { "Content-Type": value.mediaType as string };
      await Promise.all([
        client.send("PUT", "/v2/race/manifests/v1", { body: bytes, headers }),
        client.send("DELETE", `/v2/race/manifests/${digest}`),
        client.send("PUT", "/v2/race/manifests/v2", { body: bytes, headers }),
      ]);
      const { tags, manifest } = JSON.parse((await client.send("GET", "/v2/race/tags/list")).text);
      for (const tag of ["v1", "v2"]) {
        const { status } = await client.send("GET", `/v2/race/manifests/${tag}`);
        assertEquals(status, tags.includes(tag) ? 200 : 404);
      }
      assertEquals(tags.length > 0, manifest[digest]?.tag.length > 0);
    }
  });
});

/** A body that gives one chunk and then nothing for ever, until it is cancelled. */
function hangingAfter(chunk: Uint8Array<ArrayBuffer>) {
  const cancelled = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  let given = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (!given) controller.enqueue(chunk);
      else read.resolve();
      if (given) return new Promise<void>(() => {});
      given = true;
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  return { body, cancelled: cancelled.promise, read: read.promise };
}
