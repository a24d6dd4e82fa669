import { beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import { collectStoreGarbage, createRegistry, memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import {
  assertRefused,
  digestOf,
  encode,
  IMAGE,
  INDEX,
  RegistryClient,
  withQuery,
} from "../../contracts/registry_client.ts";
import { collectedGarbage } from "../../make/store_garbage.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const HOUR = 3_600_000;
const base = "http://registry.example.com";

describe("collectStoreGarbage", () => {
  let now: number;
  let store: RegistryStore;
  let client: RegistryClient;
  const clock = () => now;
  const collect = (options = {}) => collectedGarbage(store, { clock, ...options });
  const start = (over: RegistryStore) =>
    new RegistryClient({ fetch: createRegistry({ store: over, clock }).fetch, base });

  beforeEach(() => {
    now = Date.now();
    store = memoryStore();
    client = start(store);
  });

  async function claims(): Promise<string[]> {
    const folders = await store.records.list("claims/");
    return (await Promise.all(folders.map((folder) => store.records.list(`claims/${folder}`)))).flat();
  }

  async function has(name: string, digest: string): Promise<boolean> {
    const answer = await client.send("GET", `/v2/${name}/blobs/${digest}`);
    assert(answer.status === 200 || answer.status === 404);
    return answer.status === 200;
  }

  it("removes what no manifest names, once the grace is over", async () => {
    const image = await client.image("a", "kept");
    const { digest: manifest } = await client.pushManifest("a", image, "v1");
    const stray = await client.pushBlob("a", "stray");
    const large = await client.pushBlob("b", "stray with SHA-512", "sha512");
    assertEquals(await collect(), { blobs: [], bytes: 0, uploads: [] });
    now += 23 * HOUR;
    assertEquals(await collect(), { blobs: [], bytes: 0, uploads: [] });
    now += 2 * HOUR;
    const blobs = [{ digest: stray, size: 5 }, { digest: large, size: 18 }];
    const garbage = { blobs, bytes: 23, uploads: [] };
    assertEquals(await collect({ dryRun: true }), garbage);
    assertEquals([await has("a", stray), await has("b", large)], [true, true]);
    assertEquals(await collect(), garbage);
    assertEquals([await has("a", stray), await has("b", large)], [false, false]);
    assertEquals(await collect(), { blobs: [], bytes: 0, uploads: [] });
    assertEquals((await client.send("GET", `/v2/a/manifests/${manifest}`)).status, 200);
    for (const { digest } of [image.config, ...image.layers as []] as { digest: string }[]) {
      assertEquals(await has("a", digest), true);
    }
    assertEquals(JSON.parse((await client.send("GET", "/v2/_catalog")).text).repositories, ["a"]);
    assertEquals(await store.records.list("removals/"), []);
    assertEquals((await claims()).length, 2);
  });

  it("keeps what is named in any way by a manifest of any type", async () => {
    const config = await client.blob("odd", "application/x-config", "config");
    const named = await client.pushBlob("odd", "named in a field that nobody knows");
    const body = JSON.stringify({ weird: [{ deep: { x: [named] } }], config }).replace("sha256:", "sha256\\u003a");
    const odd = await client.send("PUT", "/v2/odd/manifests/v1", {
      body,
      headers: { "Content-Type": "application/x-odd" },
    });
    assertEquals(odd.status, 201, odd.text);
    const cached = await client.blob("odd", "application/x-cache", "a layer in an index");
    await client.pushManifest("odd", { schemaVersion: 2, mediaType: INDEX, manifests: [cached] }, "cache");
    now += 100 * HOUR;
    assertEquals((await collect()).blobs, []);
    for (const digest of [config.digest, named, cached.digest]) assertEquals(await has("odd", digest), true);
  });

  it("gives what a deleted manifest named a grace of its own", async () => {
    const { digest } = await client.pushImage("gone", "image", "v1");
    now += 100 * HOUR;
    await client.send("DELETE", `/v2/gone/manifests/${digest}`);
    assertEquals((await collect()).blobs, []);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs.length, 2);
  });

  it("takes the leave to serve a blob from a repository whose manifests do not name it", async () => {
    const image = await client.image("one", "image");
    await client.pushManifest("one", image, "v1");
    const { digest } = image.config as { digest: string };
    assertEquals((await client.send("POST", `/v2/two/blobs/uploads/?mount=${digest}&from=one`)).status, 201);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs, []);
    assertEquals([await has("one", digest), await has("two", digest)], [true, false]);
    assertEquals(JSON.parse((await client.send("GET", "/v2/_catalog")).text).repositories, ["one"]);
  });

  it("leaves alone what somebody was told is there", async () => {
    const digests = await Promise.all(["head", "mount", "upload"].map((text) => client.pushBlob("told", text)));
    now += 25 * HOUR;
    assertEquals((await client.send("HEAD", `/v2/told/blobs/${digests[0]}`)).status, 200);
    assertEquals((await client.send("POST", `/v2/other/blobs/uploads/?mount=${digests[1]}`)).status, 201);
    assertEquals(await client.pushBlob("third", "upload"), digests[2]);
    assertEquals((await collect()).blobs, []);
    for (const digest of digests) assertEquals(await has("told", digest), true);
  });

  it("refuses the manifest of who relied on a blob for longer than the grace", async () => {
    const image = await client.image("late", "image");
    now += 25 * HOUR;
    assertEquals((await collect()).blobs.length, 2);
    const answer = await client.send("PUT", "/v2/late/manifests/v1", {
      body: JSON.stringify(image),
      headers: { "Content-Type": image.mediaType as string },
    });
    assertRefused(answer, 400, "MANIFEST_BLOB_UNKNOWN");
    assertEquals((await client.send("GET", "/v2/late/manifests/v1")).status, 404);
    await client.pushImage("late", "image", "v1");
  });

  it("drops uploads that nobody goes on with", async () => {
    const [abandoned, empty] = [await client.startUpload("up"), await client.startUpload("up")];
    await client.send("PATCH", abandoned, { body: encode("begun") });
    now += 25 * HOUR;
    const id = (url: string) => url.split("/").at(-1)!;
    const fresh = await client.startUpload("up");
    assertEquals((await collect({ dryRun: true })).uploads.toSorted(), [id(abandoned), id(empty)].sort());
    assertEquals((await client.send("GET", abandoned)).status, 204);
    assertEquals((await collect()).uploads.toSorted(), [id(abandoned), id(empty)].sort());
    for (const url of [abandoned, empty]) assertRefused(await client.send("GET", url), 404, "BLOB_UPLOAD_UNKNOWN");
    assertEquals(await Array.fromAsync(store.uploads.list()), []);
    assertEquals(await store.records.list("uploads/"), [id(fresh)]);
    const digest = digestOf(encode("x"));
    assertEquals((await client.send("PUT", withQuery(fresh, `digest=${digest}`), { body: "x" })).status, 201);
  });

  it("forgets claims of what never came", async () => {
    const upload = await client.startUpload("never");
    await client.send("PUT", withQuery(upload, `digest=${digestOf(encode("x"))}`), { body: "y" });
    assertEquals((await claims()).length, 1);
    await collect();
    assertEquals((await claims()).length, 1);
    now += 25 * HOUR;
    await collect();
    assertEquals(await store.records.list(""), []);
  });

  it("removes nothing when it can't read all manifests", async () => {
    const { digest } = await client.pushImage("spoilt", "image", "v1");
    await client.pushBlob("spoilt", "stray");
    const [key] = (await store.records.list("repositories/spoilt/_manifests/")).map((k) =>
      `repositories/spoilt/_manifests/${k}`
    );
    const record = (await store.records.get(key))!;
    await store.records.put(key, record.slice(0, -1));
    await store.records.delete(key.replace("_manifests", "_mentions")); // as in a store of an older version
    now += 25 * HOUR;
    const error = await assertRejects(() => collect(), StoreError, `spoilt@${digest}`);
    assertEquals((error as StoreError).hint, "push the image again, or delete the manifest");
    assertEquals((await Array.fromAsync(store.blobs.list())).length, 3);
    const failing = wrapStore(
      store,
      (operation) => operation === "records.get" ? Promise.reject(new StoreError("can't read")) : Promise.resolve(),
    );
    await assertRejects(() => collectStoreGarbage(failing, { clock }), StoreError, "can't read");
    assertEquals((await Array.fromAsync(store.blobs.list())).length, 3);
  });

  describe("of a store with a manifest that can't be read", () => {
    const nested = "[".repeat(4_000) + "]".repeat(4_000);
    const unreadable: [what: string, spoil: (image: string) => string, reason: string][] = [
      ["as it is nested too deeply", (image) => image.replace("{", () => `{"extra":${nested},`), "deeper than 1000"],
      ["as it is not JSON", (image) => image.slice(1), "is not JSON"],
    ];
    for (const [what, spoil, reason] of unreadable) {
      it(`${what}, removes nothing until that is deleted, and gives all that it may name a grace then`, async () => {
        const image = JSON.stringify(await client.image("odd", "odd"));
        const bytes = encode(spoil(image));
        const digest = digestOf(bytes);
        const key = `repositories/odd/_manifests/${digest.replace(":", "-")}`;
        const facts = { mediaType: IMAGE, uploaded: now, created: 0, imageSize: 0 };
        await store.records.put(key, encode(`${JSON.stringify(facts)}\n${new TextDecoder().decode(bytes)}`));
        now += 25 * HOUR;
        const error = await assertRejects(() => collect(), StoreError, `odd@${digest}`);
        assertStringIncludes((error as StoreError).message, reason);
        assertEquals((await Array.fromAsync(store.blobs.list())).length, 2);
        assertEquals((await client.send("DELETE", `/v2/odd/manifests/${digest}`)).status, 202);
        assertEquals((await collect()).blobs, []);
        now += 25 * HOUR;
        assertEquals((await collect()).blobs.length, 2);
      });
    }
  });

  it("gives all that a deleted manifest may have named a grace where its bytes are spoilt", async () => {
    const { digest } = await client.pushImage("spoilt", "image", "v1");
    const key = `repositories/spoilt/_manifests/${digest.replace(":", "-")}`;
    await store.records.put(key, (await store.records.get(key))!.slice(0, -1));
    now += 25 * HOUR;
    assertEquals((await client.send("DELETE", `/v2/spoilt/manifests/${digest}`)).status, 202);
    assertEquals((await collect()).blobs, []);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs.length, 2);
  });

  it("keeps what a manifest mentions in a key, within a text, and in a member that comes twice", async () => {
    const named = await Promise.all(["key", "text", "twice"].map((text) => client.pushBlob("odd", text)));
    const [inKey, inText, twice] = named;
    const body = `{"blob":"${twice}","blob":"","of":{"${inKey}":1},"ref":"example.com/a@${inText}"}`;
    const headers = { "Content-Type": "application/x-odd" };
    assertEquals((await client.send("PUT", "/v2/odd/manifests/v1", { body, headers })).status, 201);
    now += 100 * HOUR;
    assertEquals((await collect()).blobs, []);
    for (const digest of named) assertEquals(await has("odd", digest), true);
  });

  it("wants a grace of a minute at least, and stops when told to", async () => {
    for (const grace of [0, 59_999, -1, NaN]) await assertRejects(() => collect({ grace }), RangeError, "a minute");
    await assertRejects(() => collect({ signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
  });

  // What happens while a removal is at its most delicate: right before each of its steps.
  for (const moment of ["records.put", "records.get", "blobs.get", "records.delete", "blobs.delete"] as const) {
    for (const way of ["HEAD", "mount", "upload"] as const) {
      it(`never removes what ${way} found, when that comes right before its ${moment}`, async () => {
        const image = await client.image("race", "race");
        now += 25 * HOUR;
        const descriptors = [image.config, ...image.layers as []] as { digest: string }[];
        let pushing: Promise<void> | undefined;
        const push = async () => {
          for (const [i, { digest }] of descriptors.entries()) {
            const bytes = i === 0 ? undefined : "layer of race";
            const found = way === "HEAD"
              ? (await client.send("HEAD", `/v2/race/blobs/${digest}`)).status === 200
              : way === "mount"
              ? (await client.send("POST", `/v2/race/blobs/uploads/?mount=${digest}&from=race`)).status === 201
              : false;
            if (!found && bytes) await client.pushBlob("race", bytes);
            else if (!found) await client.image("race", "race");
          }
          await client.pushManifest("race", image, "v1");
        };
        let seen = 0;
        const slow = wrapStore(store, async (operation, ...args) => {
          if (operation !== moment || (operation === "records.put" && !String(args[0]).startsWith("removals/"))) return;
          if (++seen > 1 || pushing) return;
          pushing = push();
          for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
        });
        await collectStoreGarbage(slow, { clock, uploadExpiry: 100 * HOUR }); // the time of uploads is the real one
        assert(pushing, `there was no ${moment}`);
        await pushing;
        assertEquals((await client.send("GET", "/v2/race/manifests/v1")).status, 200);
        for (const { digest } of descriptors) assertEquals(await has("race", digest), true);
      });
    }
  }

  it("forgets the removals of servers that were killed, of blobs that nothing asks for again", async () => {
    const path = `removals/${digestOf(encode("gone")).replace(":", "-")}/`;
    await store.records.put(`${path}old`, encode(String(now - 60_001)));
    await store.records.put(`${path}young`, encode(String(now - 60_000)));
    await collect({ dryRun: true });
    assertEquals(await store.records.list(path), ["old", "young"]);
    await collect();
    assertEquals(await store.records.list(path), ["young"]);
  });

  it("does not believe in a removal that was killed", { timeout: 10_000 }, async () => {
    const digest = await client.pushBlob("dead", "blob");
    now += 25 * HOUR;
    const killed = wrapStore(
      store,
      (operation) =>
        operation === "blobs.delete" || operation === "records.delete"
          ? Promise.reject(new StoreError("killed"))
          : Promise.resolve(),
    );
    await assertRejects(() => collectStoreGarbage(killed, { clock }), StoreError, "killed");
    assertEquals((await store.records.list("removals/")).length, 1);
    const waiting = client.send("HEAD", `/v2/dead/blobs/${digest}`);
    now += 61_000;
    assertEquals((await waiting).status, 200);
    assertEquals(await store.records.list("removals/"), []);
  });
});
