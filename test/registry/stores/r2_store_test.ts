import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import { createRegistry, r2Store } from "../../../src/registry/mod.ts";
import { registryContract } from "../../contracts/registry_contract.ts";
import { digestOf, patterned, storeContract, stream, text } from "../../contracts/store_contract.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";

const MIB = 1024 * 1024;

// The same registry over the binding that workerd has: workerd_test.ts.
storeContract("r2Store", () => {
  const bucket = new FakeR2();
  return Promise.resolve({ store: r2Store(bucket), another: () => r2Store(bucket) });
}, { shared: true });

registryContract("a registry on R2, without a Worker", () => {
  const { fetch } = createRegistry({ store: r2Store(new FakeR2()) });
  return Promise.resolve({ fetch, base: "http://registry.example.com" });
});

describe("r2Store", () => {
  it("writes a large blob once, in parts of one size", async () => {
    const bucket = new FakeR2();
    const store = r2Store(bucket);
    const bytes = patterned(20 * MIB + 5);
    const chunks = Array.from({ length: 21 }, (_, i) => bytes.subarray(i * MIB, (i + 1) * MIB));
    assertEquals(await store.uploads.append("u", stream(...chunks)), bytes.length);
    await store.uploads.finish("u", digestOf(bytes));
    assertEquals([...bucket.objects.keys()].filter((key) => key.startsWith("data/")).length, 1);
    const read = await (await store.blobs.get(digestOf(bytes)))!.read();
    assertEquals(digestOf(new Uint8Array(await new Response(read).arrayBuffer())), digestOf(bytes));
  });

  it("says that R2 heeds conditions of writes", async () => {
    const bucket = new FakeR2();
    assertEquals([await r2Store(bucket).heedsConditions(), bucket.objects.size], [true, 0]);
  });

  it("says what R2 says when it fails, after three tries", async () => {
    let tries = 0;
    const bucket = new FakeR2();
    bucket.put = () => Promise.reject(new Error(`internal error ${++tries} (10001)`));
    await assertRejects(
      () => r2Store(bucket).records.put("records/one", text("value")),
      StoreError,
      "R2 answers: internal error 3 (10001)",
    );
  });
});
