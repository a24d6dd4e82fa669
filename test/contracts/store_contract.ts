import { afterEach, beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DigestMismatchError } from "../../src/errors.ts";
import type { RegistryStore } from "../../src/registry/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { type Bytes, digestOf, patterned, stream, text } from "./store_contract_data.ts";
import { recordContract } from "./store_contract_records.ts";

export { digestOf, patterned, stream, text };

/** A store under test. */
export interface StoreUnderTest {
  /** The store, which is empty. */
  store: RegistryStore;
  /** Another store over the same content, as another process would have it. */
  another?: () => RegistryStore;
  /** Removes what the store left. */
  close?: () => Promise<void>;
}

/** What a store is tested for. */
export interface StoreContractOptions {
  /**
   * Whether several processes can work on the same content; then {@linkcode StoreUnderTest.another} is there.
   * @default false
   */
  shared?: boolean;
}

/** Runs the suite that every store of a registry has to pass. */
export function storeContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  { shared = false }: StoreContractOptions = {},
): void {
  describe(name, () => {
    let tested: StoreUnderTest;
    let store: RegistryStore;
    beforeEach(async () => {
      tested = await open();
      store = tested.store;
    });
    afterEach(async () => await tested.close?.());

    recordContract(() => store);

    describe("blobs", () => {
      it("are not there at first", async () => {
        assertEquals(await store.blobs.get(digestOf(text("nothing"))), undefined);
        assertEquals(await store.uploads.size("u"), 0);
        await store.uploads.cancel("u");
      });

      it("come of an upload in parts", async () => {
        assertEquals(await store.uploads.append("u", stream(text("hello "))), 6);
        assertEquals(await store.uploads.append("u", stream(text("wor"), text(""), text("ld"))), 11);
        assertEquals(await store.uploads.size("u"), 11);
        const digest = digestOf(text("hello world"));
        assertEquals(await store.blobs.get(digest), undefined);
        assertEquals(await store.uploads.finish("u", digest), 11);
        assertEquals(await store.uploads.size("u"), 0);
        assertEquals((await store.blobs.get(digest))?.size, 11);
        assertEquals(await content(store, digest), text("hello world"));
      });

      it("may be empty", async () => {
        const digest = digestOf(text(""));
        assertEquals(await store.uploads.finish("never-appended-to", digest), 0);
        assertEquals(await content(store, digest), text(""));
        await store.uploads.append("u", stream());
        assertEquals(await store.uploads.finish("u", digest), 0);
      });

      it("are named by SHA-512 too, expected or not", async () => {
        for (const algorithm of ["sha256", "sha512"] as const) {
          const bytes = text(`expected ${algorithm}`);
          await store.uploads.append("u", stream(bytes.subarray(0, 5)), { algorithm });
          await store.uploads.append("u", stream(bytes.subarray(5)), { algorithm });
          const digest = digestOf(bytes, "sha512");
          await store.uploads.finish("u", digest);
          assertEquals(await content(store, digest), bytes);
          assertEquals(await store.blobs.get(digestOf(bytes)), undefined);
        }
      });

      it("do not come of other bytes, and nothing of those is kept", async () => {
        const digest = digestOf(text("right"));
        await store.uploads.append("u", stream(text("wrong")));
        await assertRejects(() => store.uploads.finish("u", digest), DigestMismatchError, digest);
        assertEquals(await store.blobs.get(digest), undefined);
        assertEquals(await store.blobs.get(digestOf(text("wrong"))), undefined);
        assertEquals(await store.uploads.size("u"), 0);
        await assertRejects(() => store.uploads.finish("u", digest), DigestMismatchError);
      });

      it("do not come of an upload that was cancelled", async () => {
        await store.uploads.append("u", stream(text("one")));
        await store.uploads.cancel("u");
        assertEquals(await store.uploads.size("u"), 0);
        await store.uploads.append("u", stream(text("two")));
        await store.uploads.finish("u", digestOf(text("two")));
        assertEquals(await content(store, digestOf(text("two"))), text("two"));
      });

      it("stay whole whenever a reader leaves them", async () => {
        const bytes = patterned(1_500_000);
        const digest = digestOf(bytes);
        await store.uploads.append("u", stream(bytes));
        await store.uploads.finish("u", digest);
        const total = await chunkCount(store, digest);
        for (let reads = 0; reads <= total; reads++) {
          for (const leave of ["between reads", "during a read", "by a signal"] as const) {
            // A store that has hashed nothing yet.
            const fresh = tested.another?.() ?? store;
            await breakOff(fresh, digest, { reads, leave });
            assertEquals((await fresh.blobs.get(digest))?.size, bytes.length, `${leave}, ${reads} reads`);
            assertEquals(await content(fresh, digest), bytes, `${leave}, ${reads} reads`);
          }
        }
      });

      it("are read in parts", async () => {
        const bytes = patterned(700_000);
        const parts = [bytes.subarray(0, 1), bytes.subarray(1, 300_000), bytes.subarray(300_000)];
        await store.uploads.append("u", stream(...parts));
        await store.uploads.finish("u", digestOf(bytes));
        for (
          const [offset, length] of [[0, 1], [0, 700_000], [1, 2], [299_990, 20], [699_999, 1], [650_000, undefined]]
        ) {
          const part = bytes.subarray(offset, length === undefined ? undefined : offset! + length);
          assertEquals(await content(store, digestOf(bytes), { offset, length }), part);
        }
        assertEquals(await content(store, digestOf(bytes)), bytes);
      });

      it("are read by many at the same time, and by some not to the end", async () => {
        const bytes = patterned(1_000_000);
        const digest = digestOf(bytes);
        await store.uploads.append("u", stream(bytes));
        await store.uploads.finish("u", digest);
        const blob = await store.blobs.get(digest);
        const abandoned = await blob!.read();
        const reader = abandoned.getReader();
        await reader.read();
        await reader.cancel();
        const reads = await Promise.all(Array.from({ length: 5 }, () => content(store, digest)));
        for (const read of reads) assertEquals(digestOf(read), digest);
      });

      it("are listed, with the time when they came, until they are removed", async () => {
        assertEquals(await Array.fromAsync(store.blobs.list()), []);
        const all = [patterned(1000), patterned(2000), text("")];
        const digests = all.map((bytes, i) => digestOf(bytes, i === 1 ? "sha512" : "sha256"));
        const before = Date.now();
        for (const [i, digest] of digests.entries()) {
          await store.uploads.append("u", stream(all[i]));
          await store.uploads.finish("u", digest);
        }
        assertEquals((await Array.fromAsync(store.blobs.list())).sort(), [...digests].sort());
        const usage = await store.blobs.usage?.();
        assert(usage?.bytes === 3000 && [2, 3].includes(usage.blobs), JSON.stringify(usage)); // an empty blob may not count
        const { modified } = (await store.blobs.get(digests[0]))!;
        assert(modified > before - 10_000 && modified < Date.now() + 10_000, `${modified} is not about ${before}`);
        assertEquals(await store.blobs.delete(digests[0]), true);
        assertEquals(await store.blobs.delete(digests[0]), false);
        assertEquals(await store.blobs.get(digests[0]), undefined);
        assertEquals((await Array.fromAsync(store.blobs.list())).sort(), digests.slice(1).sort());
        assertEquals((await store.blobs.usage?.())?.bytes, 2000);
        assertEquals(await content(store, digests[1]), all[1]);
        await store.uploads.append("u", stream(all[0]));
        await store.uploads.finish("u", digests[0]);
        assertEquals(await content(store, digests[0]), all[0]);
      });

      it("survive being pushed twice at once", async () => {
        const bytes = patterned(300_000);
        const digest = digestOf(bytes);
        await Promise.all(["u", "v", "w"].map(async (id) => {
          await store.uploads.append(id, stream(bytes.slice()));
          await store.uploads.finish(id, digest);
        }));
        assertEquals(digestOf(await content(store, digest)), digest);
      });
    });

    describe("uploads", () => {
      it("keep what came before a stream failed, and go on from there", async () => {
        const failure = new Error("the line went dead");
        const error = await assertRejects(() => store.uploads.append("u", stream(text("hello "), failure)));
        assertEquals(error, failure);
        assertEquals(await store.uploads.size("u"), 6);
        assertEquals(await store.uploads.append("u", stream(text("world"))), 11);
        await store.uploads.finish("u", digestOf(text("hello world")));
        assertEquals(await content(store, digestOf(text("hello world"))), text("hello world"));
      });

      it("stop when they are told to, and cancel the stream", async () => {
        const stop = new AbortController();
        let cancelled: unknown;
        const endless = new ReadableStream<Bytes>({
          pull(controller) {
            controller.enqueue(text("x"));
            stop.abort(new Error("enough"));
            return new Promise(() => {});
          },
          cancel: (reason) => void (cancelled = reason),
        }, { highWaterMark: 0 });
        const append = store.uploads.append("u", endless, { signal: stop.signal });
        await assertRejects(() => append, Error, "enough");
        assertEquals((cancelled as Error).message, "enough");
        assert(await store.uploads.size("u") <= 1);
      });

      it("of several clients do not get into each other's way", async () => {
        const all = Array.from({ length: 6 }, (_, i) => patterned(100_000 + i));
        await Promise.all(all.map(async (bytes, i) => {
          await store.uploads.append(`u${i}`, stream(bytes.subarray(0, 70_000)));
          await store.uploads.append(`u${i}`, stream(bytes.subarray(70_000)));
          await store.uploads.finish(`u${i}`, digestOf(bytes));
        }));
        for (const bytes of all) assertEquals(digestOf(await content(store, digestOf(bytes))), digestOf(bytes));
      });

      it("never make a blob that is not its digest's, even when two write to one", async () => {
        const [a, b] = [text("a".repeat(50_000)), text("b".repeat(50_000))];
        const cut = (bytes: Bytes) => Array.from({ length: 50 }, (_, i) => bytes.subarray(i * 1000, i * 1000 + 1000));
        await Promise.all([store.uploads.append("u", stream(...cut(a))), store.uploads.append("u", stream(...cut(b)))]);
        for (const digest of [digestOf(a), digestOf(b)]) {
          await assertRejects(() => store.uploads.finish("u", digest), DigestMismatchError);
          assertEquals(await store.blobs.get(digest), undefined);
        }
      });

      it("are listed until they are over", async () => {
        assertEquals(await Array.fromAsync(store.uploads.list()), []);
        const before = Date.now();
        for (const id of ["u", "v", "w"]) await store.uploads.append(id, stream(text(id)));
        const listed = await Array.fromAsync(store.uploads.list());
        assertEquals(listed.map(({ id }) => id).sort(), ["u", "v", "w"]);
        for (const { modified } of listed) assert(modified > before - 10_000 && modified < Date.now() + 10_000);
        await store.uploads.finish("u", digestOf(text("u")));
        await store.uploads.cancel("v");
        await assertRejects(() => store.uploads.finish("w", digestOf(text("u"))), DigestMismatchError);
        assertEquals(await Array.fromAsync(store.uploads.list()), []);
      });

      it("have ids of a narrow form", async () => {
        for (const id of ["", ".", "..", "a/b", "../a", "a\\b", "a b", ".a"]) {
          await assertRejects(() => store.uploads.size(id), TypeError, "is not an upload id");
          await assertRejects(() => store.uploads.append(id, stream(text("x"))), TypeError, "is not an upload id");
          await assertRejects(() => store.uploads.finish(id, digestOf(text("x"))), TypeError, "is not an upload id");
          await assertRejects(() => store.uploads.cancel(id), TypeError, "is not an upload id");
        }
      });
    });

    it("takes no work from a caller who has given up", async () => {
      const signal = AbortSignal.abort(new Error("gave up"));
      const digest = digestOf(text("x"));
      const calls: (() => Promise<unknown>)[] = [
        () => store.records.get("a/b", { signal }),
        () => store.records.put("a/b", text("x"), { signal }),
        () => store.records.delete("a/b", { signal }),
        () => store.records.list("a/", { signal }),
        () => store.blobs.get(digest, { signal }),
        () => Array.fromAsync(store.blobs.list({ signal })),
        () => store.blobs.delete(digest, { signal }),
        () => Array.fromAsync(store.uploads.list({ signal })),
        () => store.uploads.size("u", { signal }),
        () => store.uploads.append("u", stream(text("x")), { signal }),
        () => store.uploads.finish("u", digest, { signal }),
        () => store.uploads.cancel("u", { signal }),
      ];
      for (const call of calls) await assertRejects(call, Error, "gave up");
      assertEquals(await store.records.get("a/b"), undefined);
    });

    if (shared) {
      it("shares everything with another store over the same content", async () => {
        const another = tested.another!;
        const other = another();
        await store.records.put("a/b", text("one"));
        assertEquals(await other.records.get("a/b"), text("one"));
        assertEquals(await other.records.list(""), ["a/"]);
        await other.records.delete("a/b");
        assertEquals(await store.records.get("a/b"), undefined);

        const bytes = patterned(400_000);
        await store.uploads.append("u", stream(bytes.subarray(0, 100_000)));
        assertEquals(await other.uploads.size("u"), 100_000);
        await other.uploads.append("u", stream(bytes.subarray(100_000, 300_000)));
        await store.uploads.append("u", stream(bytes.subarray(300_000)));
        await other.uploads.finish("u", digestOf(bytes));
        for (const each of [store, other, another()]) {
          assertEquals(
            await content(each, digestOf(bytes), { offset: 99_999, length: 3 }),
            bytes.subarray(99_999, 100_002),
          );
          assertEquals(await content(each, digestOf(bytes)), bytes);
        }
      });
    }
  });
}

async function content(
  store: RegistryStore,
  digest: Hash,
  range?: { offset?: number; length?: number },
): Promise<Bytes> {
  const blob = await store.blobs.get(digest);
  assert(blob !== undefined, `${digest} is not there`);
  return new Uint8Array(await new Response(await blob.read(range)).arrayBuffer());
}

async function chunkCount(store: RegistryStore, digest: Hash): Promise<number> {
  let count = 0;
  for await (const _ of await (await store.blobs.get(digest))!.read()) count++;
  return count;
}

/** Reads the beginning of a blob and leaves. */
async function breakOff(
  store: RegistryStore,
  digest: Hash,
  { reads, leave }: { reads: number; leave: "between reads" | "during a read" | "by a signal" },
): Promise<void> {
  const stop = new AbortController();
  const blob = await store.blobs.get(digest);
  assert(blob);
  const reader = (await blob.read({ signal: stop.signal })).getReader();
  for (let i = 0; i < reads; i++) await reader.read();
  const pending = leave === "during a read" ? reader.read().catch(() => {}) : undefined;
  if (leave === "by a signal") stop.abort(new Error("the reader left"));
  await reader.cancel().catch(() => {});
  await pending;
}
