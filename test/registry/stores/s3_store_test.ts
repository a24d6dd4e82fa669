import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import { createRegistry, type RegistryStore, s3Store, type S3StoreOptions } from "../../../src/registry/mod.ts";
import { registryContract } from "../../contracts/registry_contract.ts";
import { digestOf, patterned, storeContract, stream, text } from "../../contracts/store_contract.ts";
import { failure, FakeS3, type FakeS3Options } from "../../fakes/fake_s3.ts";

const MIB = 1024 * 1024;
const retry = { delayMs: 0 };

for (const conditions of ["heeded", "ignored", "refused"] as const) {
  storeContract(`s3Store where conditions are ${conditions}`, () => {
    const s3 = new FakeS3({ conditions });
    const open = () => s3Store({ ...s3.keys, fetch: s3.fetch, prefix: "some/where/", retry });
    return Promise.resolve({ store: open(), another: open });
  }, { shared: true });
}

registryContract("a registry on S3, without a socket", () => {
  const s3 = new FakeS3();
  const { fetch } = createRegistry({ store: s3Store({ ...s3.keys, fetch: s3.fetch }) });
  return Promise.resolve({ fetch, base: "http://registry.example.com" });
});

describe("s3Store", () => {
  function start(options: FakeS3Options = {}, more: Partial<S3StoreOptions> = {}) {
    const s3 = new FakeS3(options);
    const open = () => s3Store({ ...s3.keys, fetch: s3.fetch, retry, ...more });
    return { s3, open, store: open() };
  }

  async function read(store: RegistryStore, digest: ReturnType<typeof digestOf>): Promise<Uint8Array> {
    const blob = await store.blobs.get(digest);
    assert(blob, `${digest} is not there`);
    return new Uint8Array(await new Response(await blob.read()).arrayBuffer());
  }

  it("writes a large blob once, in parts, and never reads it to finish", async () => {
    const { s3, store } = start();
    const bytes = patterned(20 * MIB + 5);
    const chunks = Array.from({ length: 21 }, (_, i) => bytes.subarray(i * MIB, (i + 1) * MIB));
    assertEquals(await store.uploads.append("u", stream(...chunks)), bytes.length);
    await store.uploads.finish("u", digestOf(bytes));
    const parts = s3.asked.filter((asked) => /^PUT .*partNumber=/.test(asked));
    assertEquals(parts.length, 3);
    assertEquals(s3.asked.filter((asked) => /^GET \/images\/data/.test(asked)), []);
    assertEquals([s3.unfinished.size, [...s3.objects.keys()].filter((key) => key.startsWith("data/")).length], [0, 1]);
    assertEquals(digestOf(await read(store, digestOf(bytes))), digestOf(bytes));
  });

  it("goes on with another server's upload, chunk by chunk, and reads no more than a part again", async () => {
    const { s3, open } = start();
    const bytes = patterned(30 * MIB);
    for (let at = 0; at < bytes.length; at += 7 * MIB) {
      const cut = new Error("cut");
      const part = bytes.subarray(at, at + 7 * MIB);
      const body = at === 0 ? stream(part, cut) : stream(part);
      await open().uploads.append("u", body).catch((error) => assertEquals(error, cut));
      assertEquals(await open().uploads.size("u"), Math.min(at + 7 * MIB, bytes.length));
    }
    await open().uploads.finish("u", digestOf(bytes));
    assertEquals(digestOf(await read(open(), digestOf(bytes))), digestOf(bytes));
    assertEquals([...s3.objects.keys()].filter((key) => key.startsWith("uploads/")), []);
  });

  it("keeps one object however often a blob is pushed", async () => {
    const { s3, open } = start();
    const bytes = patterned(9 * MIB);
    await Promise.all(["u", "v", "w"].map(async (id) => {
      const store = open();
      await store.uploads.append(id, stream(bytes));
      await store.uploads.finish(id, digestOf(bytes));
    }));
    assertEquals([...s3.objects.keys()].map((key) => key.split("/")[0]).sort(), ["blobs", "data"]);
    assertEquals(s3.unfinished.size, 0);
  });

  it("takes a lost object's place when the blob is pushed again", async () => {
    const { s3, store } = start();
    const push = async () => {
      await store.uploads.append("u", stream(text("lost")));
      await store.uploads.finish("u", digestOf(text("lost")));
    };
    await push();
    for (const key of s3.objects.keys()) if (key.startsWith("data/")) s3.objects.delete(key);
    await assertRejects(() => read(store, digestOf(text("lost"))), StoreError, "is missing, which holds sha256:");
    await push();
    assertEquals(await read(store, digestOf(text("lost"))), text("lost"));
  });

  it("never gives a whole blob whose bytes have changed", async () => {
    const { s3, store } = start();
    const bytes = patterned(300_000);
    await store.uploads.append("u", stream(bytes));
    await store.uploads.finish("u", digestOf(bytes));
    const [key, object] = [...s3.objects].find(([key]) => key.startsWith("data/"))!;
    object.bytes[10] ^= 1;
    const error = await assertRejects(() => read(store, digestOf(bytes)));
    assertMatch((error as Error).message, new RegExp(`^${key} has the digest sha256:`));
  });

  it("tries again what failed for a moment, and says what S3 said in the end", async () => {
    let failures = 0;
    const { s3, store } = start({
      instead() {
        if (++failures % 4 === 1) return failure(503, "SlowDown");
        if (failures % 4 === 2) throw new TypeError("connection reset");
        if (failures % 4 === 3) return failure(500, "InternalError");
      },
    });
    const bytes = patterned(9 * MIB);
    await store.uploads.append("u", stream(bytes));
    await store.uploads.finish("u", digestOf(bytes));
    assertEquals(digestOf(await read(store, digestOf(bytes))), digestOf(bytes));
    assert(s3.asked.length > 20);

    const busy = start({ instead: () => failure(503, "SlowDown") });
    const message = "can't write records/a/b in bucket images: the service answers 503 SlowDown (that & more)";
    await assertRejects(() => busy.store.records.put("a/b", text("x")), StoreError, message);
    assertEquals(busy.s3.asked.length, 5);
    const gone = start({ instead: () => Promise.reject(new TypeError("no route")) });
    await assertRejects(() => gone.store.records.get("a/b"), StoreError, "s3.example.com does not answer");
  });

  it("tries again what is answered with a bare status of a service that is busy, and nothing else", async () => {
    for (const status of [500, 502, 503, 504, 599, 429]) {
      let isFirst = true;
      const bare = () => {
        if (!isFirst) return undefined;
        isFirst = false;
        return new Response(null, { status });
      };
      const { s3, store } = start({ instead: bare });
      await store.records.put("a/b", text("x"));
      assertEquals(s3.asked, ["PUT /images/records/a/b", "PUT /images/records/a/b"], String(status));
    }
    for (const status of [400, 403, 409, 499]) {
      const { s3, store } = start({ instead: () => new Response(null, { status }) });
      await assertRejects(() => store.records.get("a/b"), StoreError, `the service answers ${status}`);
      assertEquals(s3.asked.length, 1);
    }
  });

  it("gives a service up that does not answer in time, and an object that stalls", async () => {
    const never = start({ instead: () => new Promise(() => {}) }, {
      timeouts: { answerMs: 10, slowAnswerMs: 0 },
      retry: { delayMs: 0, attempts: 2 },
    });
    await assertRejects(() => never.store.records.get("a/b"), StoreError, "s3.example.com does not answer");
    assertEquals(never.s3.asked.length, 2);
    const write = start({ instead: () => new Promise(() => {}) }, {
      timeouts: { answerMs: 0, slowAnswerMs: 10 },
      retry: { delayMs: 0, attempts: 2 },
    });
    await assertRejects(() => write.store.records.put("a/b", text("x")), StoreError, "s3.example.com does not answer");
    assertEquals(write.s3.asked.length, 2);
    let isCancelled = false;
    const stalled = new ReadableStream({ cancel: () => void (isCancelled = true) });
    const { store } = start({ instead: () => new Response(stalled) }, { timeouts: { stallMs: 10 } });
    await assertRejects(() => store.records.get("a/b"), StoreError, "can't read records/a/b");
    assertEquals(isCancelled, true);
  });

  it("says what is wrong with the keys, the region and the bucket, and never the secret", async () => {
    const wrong: [Partial<S3StoreOptions>, RegExp, RegExp][] = [
      [{ secretAccessKey: "wrong" }, /403 SignatureDoesNotMatch/, /check the secret/],
      [{ accessKeyId: "nobody" }, /403 InvalidAccessKeyId/, /check the access key/],
      [{ region: "elsewhere-1" }, /403 AuthorizationHeaderMalformed/, /check the region/],
      [{ bucket: "other" }, /404 NoSuchBucket/, /make the bucket first/],
      [{ sessionToken: "stale" }, /403 InvalidToken/, /^$/],
    ];
    for (const [options, message, hint] of wrong) {
      const { store, s3 } = start({}, options);
      const error = await assertRejects(() => store.records.get("a/b"), StoreError) as StoreError;
      assertMatch(error.message, message);
      assertMatch(error.hint ?? "", hint);
      assert(!`${error.message}${error.stack}${error.hint}`.includes(s3.keys.secretAccessKey));
      assertEquals(s3.asked.length, 1);
    }
  });

  it("says whether the bucket heeds conditions of writes, and leaves nothing there", async () => {
    for (const conditions of ["heeded", "ignored", "refused"] as const) {
      const { s3, store } = start({ conditions });
      assertEquals(await store.heedsConditions(), conditions === "heeded", conditions);
      assertEquals([...s3.objects.keys()], []);
    }
    // One that knows no more than If-None-Match.
    const { s3, store } = start({
      instead: (request) =>
        request.headers.has("If-Match") ? new Response(null, { headers: { ETag: "e" } }) : undefined,
    });
    assertEquals([await store.heedsConditions(), s3.objects.size], [false, 0]);
    const { store: closed } = start({ instead: () => failure(403, "AccessDenied") });
    await assertRejects(() => closed.heedsConditions(), StoreError, "403 AccessDenied");
  });

  it("takes its own write, of which the answer was lost, for its own", async () => {
    const s3 = new FakeS3();
    let lost = 0;
    const store = s3Store({
      ...s3.keys,
      retry,
      async fetch(url, init) {
        const response = await s3.fetch(url, init);
        const isState = init.method === "PUT" && url.includes("/uploads/") && response.ok;
        if (isState && lost++ % 2 === 0) throw new TypeError("connection reset");
        return response;
      },
    });
    const bytes = patterned(9 * MIB);
    assertEquals(await store.uploads.append("u", stream(bytes.subarray(0, 5)), { size: 0 }), 5);
    assertEquals(await store.uploads.append("u", stream(bytes.subarray(5)), { size: 5 }), bytes.length);
    await store.uploads.finish("u", digestOf(bytes), { size: bytes.length });
    assertEquals([digestOf(await read(store, digestOf(bytes))), lost > 2], [digestOf(bytes), true]);
  });

  it("works with temporary credentials, and with the bucket in the host's name", async () => {
    const { s3, open } = start({}, { sessionToken: "temporary/token==" });
    Object.assign(s3.keys, { sessionToken: "temporary/token==" });
    await open().records.put("a/b", text("x"));
    assertEquals(await open().records.get("a/b"), text("x"));
    let asked = "";
    const store = s3Store({
      ...s3.keys,
      endpoint: "https://s3.example.com/",
      pathStyle: false,
      fetch: (url) => {
        asked = url;
        return Promise.resolve(failure(404, "NoSuchKey"));
      },
    });
    await store.records.get("a/b");
    assertEquals(asked, "https://images.s3.example.com/records/a/b");
  });

  it("takes no endpoint, bucket or prefix that can't be one", () => {
    const { s3 } = start();
    for (const endpoint of ["", "s3.example.com", "ftp://x"]) {
      assertThrows(() => s3Store({ ...s3.keys, endpoint }), TypeError, "is not a URL");
    }
    for (const bucket of ["", "a/b", "a?b", ".."]) {
      assertThrows(() => s3Store({ ...s3.keys, bucket }), TypeError, "is not the name");
    }
    for (const prefix of ["/", "a", "a//", "../..", "a b/"]) {
      assertThrows(() => s3Store({ ...s3.keys, prefix }), TypeError, "does not consist of names");
    }
    for (const odd of [{ accessKeyId: "s3cret\n" }, { sessionToken: "s3c\r\nret" }, { sessionToken: "s3crét" }]) {
      const error = assertThrows(() => s3Store({ ...s3.keys, ...odd }), TypeError, "no header can carry");
      assertEquals(error.message.includes("s3c"), false);
    }
  });

  it("lists more than a page holds", { timeout: 60_000 }, async () => {
    const { s3, store } = start();
    await store.records.put("r/a", text("first"));
    const object = s3.objects.get("records/r/a")!;
    const names: string[] = [];
    for (let i = 0; i < 2500; i++) {
      const name = `t${String(i).padStart(4, "0")}`;
      names.push(i % 3 === 0 ? `${name}/` : name);
      s3.objects.set(`records/r/${name}${i % 3 === 0 ? "/x" : ""}`, object);
    }
    assertEquals(await store.records.list("r/", { after: "a" }), names);
    assertEquals(await store.records.list("r/", { after: "t0999/", limit: 1200 }), names.slice(1000, 2200));
    assertEquals(await store.records.list("r/", { after: "t1000", limit: 2 }), names.slice(1001, 1003));
  });

  it("leaves nothing when a request fails, whichever it is, and what was told to be there is there", async () => {
    const bytes = patterned(17 * MIB);
    const digest = digestOf(bytes);
    let last = Infinity;
    for (let n = 1; n <= last; n++) {
      let count = 0;
      let isOver = false;
      const { s3, store, open } = start({
        instead: () => !isOver && ++count === n ? failure(403, "AccessDenied") : undefined,
      });
      let isFinished = false;
      try {
        await store.uploads.append("u", stream(bytes.subarray(0, 9 * MIB)));
        await store.uploads.append("u", stream(bytes.subarray(9 * MIB)));
        await store.uploads.finish("u", digest);
        isFinished = true;
      } catch (error) {
        assert(error instanceof StoreError, String(error));
      }
      isOver = true;
      if (count < n) last = n;
      if (isFinished) {
        assertEquals((await open().blobs.get(digest))?.size, bytes.length);
      } else {
        // An upload that could not be dropped then can be dropped later.
        for await (const { id } of store.uploads.list()) await open().uploads.cancel(id);
      }
      const keys = [...s3.objects.keys()].map((key) => key.split("/")[0]).sort();
      assertEquals(await open().blobs.get(digest) ? keys : ["blobs", "data", ...keys], ["blobs", "data"], `after ${n}`);
      if (s3.unfinished.size > 0) assertEquals(s3.asked.some((asked) => asked.includes("?uploads=")), true);
    }
    assert(last > 10, `only ${last} requests`);
  });
});
