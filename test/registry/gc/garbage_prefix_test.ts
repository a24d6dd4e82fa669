import { beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import { createRegistry, memoryStore, r2Store, type RegistryStore, s3Store } from "../../../src/registry/mod.ts";
import { Repositories } from "../../../src/registry/content/repositories.ts";
import { digestOf, encode, INDEX, RegistryClient } from "../../contracts/registry_client.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";
import { failure, FakeS3 } from "../../fakes/fake_s3.ts";
import { collectedGarbage } from "../../make/store_garbage.ts";
import { type StoreOperation, wrapStore } from "../stores/wrapped_store.ts";

const HOUR = 3_600_000;
const base = "http://registry.example.com";

describe("a garbage collection by the prefixes of digests", () => {
  let now: number;
  let store: RegistryStore;
  let client: RegistryClient;
  const clock = () => now;
  const open = (over: RegistryStore) =>
    new RegistryClient({ fetch: createRegistry({ store: over, clock }).fetch, base });
  const collect = (options = {}, over = store) => collectedGarbage(over, { clock, ...options });

  beforeEach(() => {
    now = Date.now();
    store = memoryStore();
    client = open(store);
  });

  /** Returns the same store, with its calls noted. */
  function noted(over: RegistryStore, calls: { operation: StoreOperation; key: string }[]): RegistryStore {
    return wrapStore(over, (operation, key) => {
      calls.push({ operation, key: String(key) });
      return Promise.resolve();
    });
  }

  /** Pushes images and blobs of no manifest. */
  async function fill(images: number, strays: number): Promise<string[]> {
    for (let i = 0; i < images; i++) await client.pushImage(`some/r${i % 3}`, `image ${i}`, `v${i}`);
    const digests: string[] = [];
    for (let i = 0; i < strays; i++) digests.push(await client.pushBlob("some/r0", `stray ${i}`));
    return digests.sort();
  }

  /** Pushes blobs of no manifest whose digests have the same prefix. */
  async function fillPrefix(count: number): Promise<string[]> {
    const digests: string[] = [];
    for (let i = 0; digests.length < count; i++) {
      const digest = digestOf(encode(`stray ${i}`));
      if (digest.startsWith("sha256:ab")) digests.push(await client.pushBlob("some/r0", `stray ${i}`));
    }
    return digests.sort();
  }

  async function blobs(): Promise<string[]> {
    return (await Array.fromAsync(store.blobs.list())).sort();
  }

  async function keys(path: string): Promise<string[]> {
    const found = await Promise.all(
      (await store.records.list(path)).map((name) => name.endsWith("/") ? keys(path + name) : [path + name]),
    );
    return found.flat();
  }

  /** Makes of the store one that was written by an older version: without mentions, and with other keys of claims. */
  async function age(): Promise<void> {
    for (const key of await keys("")) {
      if (key.startsWith("mentions/") || key.includes("/_mentions/")) await store.records.delete(key);
      if (!key.startsWith("claims/")) continue;
      await store.records.put(key.replace(/\/../, ""), (await store.records.get(key))!);
      await store.records.delete(key);
    }
  }

  it("reads no manifest, and lists what they mention once", async () => {
    const strays = await fill(12, 3);
    now += 25 * HOUR;
    const calls: { operation: StoreOperation; key: string }[] = [];
    assertEquals((await collect({}, noted(store, calls))).blobs.map(({ digest }) => digest), strays);
    assertEquals(calls.filter(({ operation, key }) => operation === "records.get" && key.includes("_manifests/")), []);
    const lists = calls.filter(({ operation, key }) => operation === "records.list" && /^mentions\/../.test(key));
    assertEquals(new Set(lists.map(({ key }) => key)).size, lists.length);
    assert(lists.length > 10);
  });

  it("keeps what the manifests of an older version mention, and reads each of them once", async () => {
    const strays = await fill(6, 3);
    const kept = (await blobs()).filter((digest) => !strays.includes(digest));
    const [first] = kept;
    await client.send("POST", `/v2/other/blobs/uploads/?mount=${first}`);
    await age();
    now += 25 * HOUR;
    const calls: { operation: StoreOperation; key: string }[] = [];
    const reads = () =>
      calls.splice(0).filter(({ operation, key }) => operation === "records.get" && key.includes("_manifests/"));
    assertEquals((await collect({}, noted(store, calls))).blobs.map(({ digest }) => digest), strays);
    assertEquals(reads().length, 6);
    assertEquals(await blobs(), kept);
    assertEquals(await keys("repositories/other/_blobs/"), []);
    await collect({}, noted(store, calls));
    assertEquals(reads(), []);
  });

  it("keeps what a server of an older version pushes later", async () => {
    await fill(2, 0);
    now += 25 * HOUR;
    await collect();
    const { digest } = await client.pushImage("some/r0", "by an older version", "old");
    for (const key of await keys("")) {
      if (key.startsWith("mentions/") && key.endsWith(digest.slice(7))) await store.records.delete(key);
    }
    await store.records.delete(`repositories/some/r0/_mentions/${digest.replace(":", "-")}`);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs, []);
  });

  it("heeds the claims of an older version, and forgets them in time", async () => {
    const digest = await client.pushBlob("some/r0", "claimed");
    now += 25 * HOUR;
    await client.send("HEAD", `/v2/some/r0/blobs/${digest}`);
    await age();
    now += HOUR;
    assertEquals((await collect()).blobs, []);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs.map((blob) => blob.digest), [digest]);
    assertEquals(await keys("claims/"), []);
  });

  it("takes only its part of the digests, and the parts are the whole", async () => {
    const strays = await fill(4, 40);
    const upload = await client.startUpload("some/r0");
    now += 25 * HOUR;
    const upTo = (last: string) => strays.filter((digest) => digest.slice(7, 9) <= last);
    const first = await collect({ prefix: "00-3f" });
    assertEquals(first.blobs.map(({ digest }) => digest), upTo("3f"));
    assertEquals(first.uploads, [upload.split("/").at(-1)]);
    const second = await collect({ prefix: "40-fe" });
    assertEquals(second.blobs.map(({ digest }) => digest), upTo("fe").filter((digest) => !upTo("3f").includes(digest)));
    await collect({ prefix: "ff" });
    assertEquals((await blobs()).filter((digest) => strays.includes(digest)), []);
    for (const prefix of ["", "0", "3f-00", "00-100", "zz", "00-", "A0"]) {
      await assertRejects(() => collect({ prefix }), RangeError, "is not a prefix");
    }
  });

  it("goes on where one that was cut off ended, and keeps what was pushed since", async () => {
    const strays = await fill(3, 40);
    now += 25 * HOUR;
    const isLate = (key: unknown) => /^claims\/[89a-f]./.test(String(key));
    const failing = wrapStore(
      store,
      (operation, key) =>
        operation === "records.list" && isLate(key) ? Promise.reject(new StoreError("cut off")) : Promise.resolve(),
    );
    // One after the other, as in a store of many entries.
    for (const last of ["10", "ff"]) {
      await assertRejects(
        () =>
          collect(
            { prefix: `00-${last}` },
            last === "ff" ? failing : wrapStore(store, () => {
              return Promise.reject(new StoreError("cut off"));
            }),
          ),
        StoreError,
        "cut off",
      );
    }
    const pushed = await client.pushImage("some/r1", "meanwhile", "new");
    const calls: { operation: StoreOperation; key: string }[] = [];
    now += 30 * HOUR;
    await collect({}, noted(store, calls));
    assertEquals(calls.filter(({ operation, key }) => operation === "records.list" && key === "repositories/"), []);
    assertEquals((await blobs()).filter((digest) => strays.includes(digest)), []);
    assertEquals((await client.send("GET", `/v2/some/r1/manifests/${pushed.digest}`)).status, 200);
    assertEquals(await keys("gc/"), []);
  });

  it("does not continue one of more than a week ago", async () => {
    await fill(1, 1);
    await store.records.put("gc/progress/00-ff", new TextEncoder().encode(JSON.stringify({ begun: now, next: 255 })));
    now += 8 * 24 * HOUR;
    assertEquals((await collect()).blobs.length, 1);
  });

  for (
    const [what, isLast] of [["before its manifest", (key: string) => key.includes("_manifests/")], [
      "amid its mentions",
      (() => {
        let seen = 0;
        return (key: string) => key.startsWith("mentions/") && key.split(".").length === 3 && ++seen === 2;
      })(),
    ]] as const
  ) {
    it(`leaves nothing of a push that was cut off ${what}`, async () => {
      const image = await client.image("cut", "cut off");
      let isDead = false;
      const killed = wrapStore(store, (operation, key) => {
        isDead ||= operation === "records.put" && isLast(String(key));
        return isDead ? Promise.reject(new StoreError("killed")) : Promise.resolve();
      });
      const body = JSON.stringify(image);
      const headers = { "Content-Type": image.mediaType as string };
      assertEquals((await open(killed).send("PUT", "/v2/cut/manifests/v1", { body, headers })).status, 500);
      now += 25 * HOUR;
      assertEquals((await collect()).blobs.length, 2);
      await collect();
      assertEquals(await keys(""), ["repositories/_indexed"]); // the mark of the catalog
    });
  }

  it("leaves nothing of a deletion that was cut off", async () => {
    const { digest } = await client.pushImage("cut", "image", "v1");
    let isDead = false;
    const killed = wrapStore(store, (operation, key) => {
      isDead ||= operation === "records.delete" && String(key).startsWith("mentions/");
      return isDead ? Promise.reject(new StoreError("killed")) : Promise.resolve();
    });
    now += 25 * HOUR;
    assertEquals((await open(killed).send("DELETE", `/v2/cut/manifests/${digest}`)).status, 500);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs.length, 2);
    assertEquals((await keys("mentions/")).length, 0);
    assertEquals((await keys("repositories/cut/_mentions/")).filter((key) => !key.endsWith("_links")), []);
  });

  it("leaves the mentions of a push that is under way", async () => {
    const image = await client.image("slow", "slow");
    const release = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const slow = wrapStore(store, async (operation, key) => {
      if (operation !== "records.put" || !String(key).includes("_manifests/")) return;
      reached.resolve();
      await release.promise;
    });
    const body = JSON.stringify(image);
    const headers = { "Content-Type": image.mediaType as string };
    const pushing = open(slow).send("PUT", "/v2/slow/manifests/v1", { body, headers });
    await reached.promise;
    const before = await keys("mentions/");
    await collect();
    assertEquals(await keys("mentions/"), before);
    release.resolve();
    assertEquals((await pushing).status, 201);
    now += 100 * HOUR;
    assertEquals((await collect()).blobs, []);
  });

  it("keeps the mentions of one manifest when another one is deleted that mentions the same", async () => {
    const layer = await client.blob("two", "application/x-layer", "shared");
    const index = (name: string) => ({ schemaVersion: 2, mediaType: INDEX, manifests: [layer], annotations: { name } });
    await client.pushManifest("two", index("one"), "one");
    const { digest } = await client.pushManifest("two", index("other"), "other");
    await client.send("DELETE", `/v2/two/manifests/${digest}`);
    now += 25 * HOUR;
    assertEquals((await collect()).blobs, []);
    assertEquals((await client.send("GET", `/v2/two/blobs/${layer.digest}`)).status, 200);
  });

  it("has at most 64 calls under way, and as many where there is work", async () => {
    await fill(0, 300);
    now += 25 * HOUR;
    let [most, underWay] = [0, 0];
    const turn = async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 0));
      underWay--;
    };
    const counted = wrapStore(store, turn);
    await collect({}, counted);
    assertEquals(most, 64);
  });

  it("holds one prefix of a large store at a time, and several of a small one", async () => {
    const repositories = new Repositories(store, clock);
    const mentions = Array.from({ length: 60_000 }, (_, i) => `sha256:00${i.toString(16).padStart(62, "0")}` as const);
    const at = async () => {
      let [most, underWay] = [0, 0];
      const watched = wrapStore(store, (operation, options) => {
        const prefix = (options as { prefix?: { digits: string; algorithm: string } } | undefined)?.prefix;
        if (operation === "blobs.list" && prefix?.algorithm === "sha512") most = Math.max(most, ++underWay);
        if (operation === "records.put" && String(options).startsWith("gc/progress/")) underWay = 0;
        return Promise.resolve();
      });
      await collect({ prefix: "00-07" }, watched);
      return most;
    };
    assertEquals(await at(), 7); // after the first one alone
    await repositories.mentions.record("large", { digest: `sha256:${"0".repeat(64)}`, mentions });
    await store.records.put(`repositories/large/_manifests/sha256-${"0".repeat(64)}`, new Uint8Array(1));
    assertEquals(await at(), 6); // of the second one on, which is small again
  });

  for (const lacks of [false, true]) {
    it(`removes many objects of S3 by one request${lacks ? ", or one by one where the service can't" : ""}`, async () => {
      const s3 = new FakeS3({
        instead: (request) =>
          lacks && request.method === "POST" && new URL(request.url).searchParams.has("delete")
            ? failure(501, "NotImplemented")
            : undefined,
      });
      store = s3Store({ ...s3.keys, fetch: s3.fetch });
      client = open(store);
      await fill(1, 0);
      const strays = await fillPrefix(20);
      now += 25 * HOUR;
      s3.asked.length = 0;
      assertEquals((await collect()).blobs.map(({ digest }) => digest), strays);
      const many = s3.asked.filter((asked) => asked.startsWith("POST") && asked.endsWith("delete=")).length;
      const single = s3.asked.filter((asked) => asked.startsWith("DELETE") && !asked.includes("gc/")).length;
      assertEquals([many, single], lacks ? [1, 20 * 8] : [7, 0]);
      const left = [...s3.objects.keys()].filter((key) => /^(data|blobs|uploads)/.test(key));
      assertEquals(left.length, 4);
    });
  }

  it("removes many objects of R2 by one call", async () => {
    const bucket = new FakeR2();
    const sizes: number[] = [];
    const remove = bucket.delete.bind(bucket);
    bucket.delete = (asked) => {
      sizes.push([asked].flat().length);
      return remove(asked);
    };
    store = r2Store(bucket);
    client = open(store);
    await fill(1, 0);
    const strays = await fillPrefix(20);
    now += 25 * HOUR;
    sizes.length = 0;
    assertEquals((await collect()).blobs.map(({ digest }) => digest), strays);
    assertEquals(sizes, [20, 20, 20, 20, 20, 40, 20, 1]);
    assertEquals([...bucket.objects.keys()].filter((key) => /^(data|blobs|uploads)/.test(key)).length, 4);
  });
});
