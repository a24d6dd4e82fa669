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
        assertEquals(await store.blob(digestOf(text("nothing"))), undefined);
        assertEquals(await store.uploadSize("u"), 0);
        await store.cancelUpload("u");
      });

      it("come of an upload in parts", async () => {
        assertEquals(await store.appendUpload("u", stream(text("hello "))), 6);
        assertEquals(await store.appendUpload("u", stream(text("wor"), text(""), text("ld"))), 11);
        assertEquals(await store.uploadSize("u"), 11);
        const digest = digestOf(text("hello world"));
        assertEquals(await store.blob(digest), undefined);
        assertEquals(await store.finishUpload("u", digest), 11);
        assertEquals(await store.uploadSize("u"), 0);
        assertEquals((await store.blob(digest))?.size, 11);
        assertEquals(await content(store, digest), text("hello world"));
      });

      it("may be empty", async () => {
        const digest = digestOf(text(""));
        assertEquals(await store.finishUpload("never-appended-to", digest), 0);
        assertEquals(await content(store, digest), text(""));
        await store.appendUpload("u", stream());
        assertEquals(await store.finishUpload("u", digest), 0);
      });

      it("are named by SHA-512 too, expected or not", async () => {
        for (const algorithm of ["sha256", "sha512"] as const) {
          const bytes = text(`expected ${algorithm}`);
          await store.appendUpload("u", stream(bytes.subarray(0, 5)), { algorithm });
          await store.appendUpload("u", stream(bytes.subarray(5)), { algorithm });
          const digest = digestOf(bytes, "sha512");
          await store.finishUpload("u", digest);
          assertEquals(await content(store, digest), bytes);
          assertEquals(await store.blob(digestOf(bytes)), undefined);
        }
      });

      it("do not come of other bytes, and nothing of those is kept", async () => {
        const digest = digestOf(text("right"));
        await store.appendUpload("u", stream(text("wrong")));
        await assertRejects(() => store.finishUpload("u", digest), DigestMismatchError, digest);
        assertEquals(await store.blob(digest), undefined);
        assertEquals(await store.blob(digestOf(text("wrong"))), undefined);
        assertEquals(await store.uploadSize("u"), 0);
        await assertRejects(() => store.finishUpload("u", digest), DigestMismatchError);
      });

      it("do not come of an upload that was cancelled", async () => {
        await store.appendUpload("u", stream(text("one")));
        await store.cancelUpload("u");
        assertEquals(await store.uploadSize("u"), 0);
        await store.appendUpload("u", stream(text("two")));
        await store.finishUpload("u", digestOf(text("two")));
        assertEquals(await content(store, digestOf(text("two"))), text("two"));
      });

      it("stay whole whenever a reader leaves them", async () => {
        const bytes = patterned(1_500_000);
        const digest = digestOf(bytes);
        await store.appendUpload("u", stream(bytes));
        await store.finishUpload("u", digest);
        const total = await chunkCount(store, digest);
        for (let reads = 0; reads <= total; reads++) {
          for (const leave of ["between reads", "during a read", "by a signal"] as const) {
            // A store that has hashed nothing yet.
            const fresh = tested.another?.() ?? store;
            await breakOff(fresh, digest, { reads, leave });
            assertEquals((await fresh.blob(digest))?.size, bytes.length, `${leave}, ${reads} reads`);
            assertEquals(await content(fresh, digest), bytes, `${leave}, ${reads} reads`);
          }
        }
      });

      it("are read in parts", async () => {
        const bytes = patterned(700_000);
        const parts = [bytes.subarray(0, 1), bytes.subarray(1, 300_000), bytes.subarray(300_000)];
        await store.appendUpload("u", stream(...parts));
        await store.finishUpload("u", digestOf(bytes));
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
        await store.appendUpload("u", stream(bytes));
        await store.finishUpload("u", digest);
        const blob = await store.blob(digest);
        const abandoned = await blob!.read();
        const reader = abandoned.getReader();
        await reader.read();
        await reader.cancel();
        const reads = await Promise.all(Array.from({ length: 5 }, () => content(store, digest)));
        for (const read of reads) assertEquals(digestOf(read), digest);
      });

      it("are listed, with the time when they came, until they are removed", async () => {
        assertEquals(await Array.fromAsync(store.blobs()), []);
        const all = [patterned(1000), patterned(2000), text("")];
        const digests = all.map((bytes, i) => digestOf(bytes, i === 1 ? "sha512" : "sha256"));
        const before = Date.now();
        for (const [i, digest] of digests.entries()) {
          await store.appendUpload("u", stream(all[i]));
          await store.finishUpload("u", digest);
        }
        assertEquals((await Array.fromAsync(store.blobs())).sort(), [...digests].sort());
        const { modified } = (await store.blob(digests[0]))!;
        assert(modified > before - 10_000 && modified < Date.now() + 10_000, `${modified} is not about ${before}`);
        assertEquals(await store.deleteBlob(digests[0]), true);
        assertEquals(await store.deleteBlob(digests[0]), false);
        assertEquals(await store.blob(digests[0]), undefined);
        assertEquals((await Array.fromAsync(store.blobs())).sort(), digests.slice(1).sort());
        assertEquals(await content(store, digests[1]), all[1]);
        await store.appendUpload("u", stream(all[0]));
        await store.finishUpload("u", digests[0]);
        assertEquals(await content(store, digests[0]), all[0]);
      });

      it("survive being pushed twice at once", async () => {
        const bytes = patterned(300_000);
        const digest = digestOf(bytes);
        await Promise.all(["u", "v", "w"].map(async (id) => {
          await store.appendUpload(id, stream(bytes.slice()));
          await store.finishUpload(id, digest);
        }));
        assertEquals(digestOf(await content(store, digest)), digest);
      });
    });

    describe("uploads", () => {
      it("keep what came before a stream failed, and go on from there", async () => {
        const failure = new Error("the line went dead");
        const error = await assertRejects(() => store.appendUpload("u", stream(text("hello "), failure)));
        assertEquals(error, failure);
        assertEquals(await store.uploadSize("u"), 6);
        assertEquals(await store.appendUpload("u", stream(text("world"))), 11);
        await store.finishUpload("u", digestOf(text("hello world")));
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
        const append = store.appendUpload("u", endless, { signal: stop.signal });
        await assertRejects(() => append, Error, "enough");
        assertEquals((cancelled as Error).message, "enough");
        assert(await store.uploadSize("u") <= 1);
      });

      it("of several clients do not get into each other's way", async () => {
        const all = Array.from({ length: 6 }, (_, i) => patterned(100_000 + i));
        await Promise.all(all.map(async (bytes, i) => {
          await store.appendUpload(`u${i}`, stream(bytes.subarray(0, 70_000)));
          await store.appendUpload(`u${i}`, stream(bytes.subarray(70_000)));
          await store.finishUpload(`u${i}`, digestOf(bytes));
        }));
        for (const bytes of all) assertEquals(digestOf(await content(store, digestOf(bytes))), digestOf(bytes));
      });

      it("never make a blob that is not its digest's, even when two write to one", async () => {
        const [a, b] = [text("a".repeat(50_000)), text("b".repeat(50_000))];
        const cut = (bytes: Bytes) => Array.from({ length: 50 }, (_, i) => bytes.subarray(i * 1000, i * 1000 + 1000));
        await Promise.all([store.appendUpload("u", stream(...cut(a))), store.appendUpload("u", stream(...cut(b)))]);
        for (const digest of [digestOf(a), digestOf(b)]) {
          await assertRejects(() => store.finishUpload("u", digest), DigestMismatchError);
          assertEquals(await store.blob(digest), undefined);
        }
      });

      it("are listed until they are over", async () => {
        assertEquals(await Array.fromAsync(store.uploads()), []);
        const before = Date.now();
        for (const id of ["u", "v", "w"]) await store.appendUpload(id, stream(text(id)));
        const listed = await Array.fromAsync(store.uploads());
        assertEquals(listed.map(({ id }) => id).sort(), ["u", "v", "w"]);
        for (const { modified } of listed) assert(modified > before - 10_000 && modified < Date.now() + 10_000);
        await store.finishUpload("u", digestOf(text("u")));
        await store.cancelUpload("v");
        await assertRejects(() => store.finishUpload("w", digestOf(text("u"))), DigestMismatchError);
        assertEquals(await Array.fromAsync(store.uploads()), []);
      });

      it("have ids of a narrow form", async () => {
        for (const id of ["", ".", "..", "a/b", "../a", "a\\b", "a b", ".a"]) {
          await assertRejects(() => store.uploadSize(id), TypeError, "is not an upload id");
          await assertRejects(() => store.appendUpload(id, stream(text("x"))), TypeError, "is not an upload id");
          await assertRejects(() => store.finishUpload(id, digestOf(text("x"))), TypeError, "is not an upload id");
          await assertRejects(() => store.cancelUpload(id), TypeError, "is not an upload id");
        }
      });
    });

    it("takes no work from a caller who has given up", async () => {
      const signal = AbortSignal.abort(new Error("gave up"));
      const digest = digestOf(text("x"));
      const calls: (() => Promise<unknown>)[] = [
        () => store.get("a/b", { signal }),
        () => store.put("a/b", text("x"), { signal }),
        () => store.delete("a/b", { signal }),
        () => store.list("a/", { signal }),
        () => store.blob(digest, { signal }),
        () => Array.fromAsync(store.blobs({ signal })),
        () => store.deleteBlob(digest, { signal }),
        () => Array.fromAsync(store.uploads({ signal })),
        () => store.uploadSize("u", { signal }),
        () => store.appendUpload("u", stream(text("x")), { signal }),
        () => store.finishUpload("u", digest, { signal }),
        () => store.cancelUpload("u", { signal }),
      ];
      for (const call of calls) await assertRejects(call, Error, "gave up");
      assertEquals(await store.get("a/b"), undefined);
    });

    if (shared) {
      it("shares everything with another store over the same content", async () => {
        const another = tested.another!;
        const other = another();
        await store.put("a/b", text("one"));
        assertEquals(await other.get("a/b"), text("one"));
        assertEquals(await other.list(""), ["a/"]);
        await other.delete("a/b");
        assertEquals(await store.get("a/b"), undefined);

        const bytes = patterned(400_000);
        await store.appendUpload("u", stream(bytes.subarray(0, 100_000)));
        assertEquals(await other.uploadSize("u"), 100_000);
        await other.appendUpload("u", stream(bytes.subarray(100_000, 300_000)));
        await store.appendUpload("u", stream(bytes.subarray(300_000)));
        await other.finishUpload("u", digestOf(bytes));
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
  const blob = await store.blob(digest);
  assert(blob !== undefined, `${digest} is not there`);
  return new Uint8Array(await new Response(await blob.read(range)).arrayBuffer());
}

async function chunkCount(store: RegistryStore, digest: Hash): Promise<number> {
  let count = 0;
  for await (const _ of await (await store.blob(digest))!.read()) count++;
  return count;
}

/** Reads the beginning of a blob and leaves. */
async function breakOff(
  store: RegistryStore,
  digest: Hash,
  { reads, leave }: { reads: number; leave: "between reads" | "during a read" | "by a signal" },
): Promise<void> {
  const stop = new AbortController();
  const blob = await store.blob(digest);
  assert(blob);
  const reader = (await blob.read({ signal: stop.signal })).getReader();
  for (let i = 0; i < reads; i++) await reader.read();
  const pending = leave === "during a read" ? reader.read().catch(() => {}) : undefined;
  if (leave === "by a signal") stop.abort(new Error("the reader left"));
  await reader.cancel().catch(() => {});
  await pending;
}
