import { assertEquals, assertExists } from "@std/assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { hashHex, streamingHash, streamingHashSync } from "../../src/runtime/mod.ts";
import { noise } from "../make/bytes.ts";

const abc = new TextEncoder().encode("abc");
const sha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const sha512OfAbc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const sha256OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("hashHex", () => {
  it("hashes small and large buffers with both algorithms", async () => {
    assertEquals(await hashHex(abc, "sha256"), sha256OfAbc);
    assertEquals(await hashHex(abc, "sha512"), sha512OfAbc);
    assertEquals(await hashHex(new Uint8Array(0), "sha256"), sha256OfNothing);
    const large = noise(3 << 20);
    assertEquals(await hashHex(large, "sha256"), createHash("sha256").update(large).digest("hex"));
  });

  it("hashes the view and not the buffer behind it", async () => {
    const padded = new TextEncoder().encode("xxabcxx");
    assertEquals(await hashHex(padded.subarray(2, 5), "sha256"), sha256OfAbc);
  });
});

describe("streamingHash", () => {
  it("gives the same whatever the chunks", async () => {
    const hash = await streamingHash("sha256");
    for (const letter of ["a", "", "b", "c"]) hash.update(new TextEncoder().encode(letter));
    assertEquals(await hash.hex(), sha256OfAbc);
    const other = await streamingHash("sha512");
    other.update(abc);
    assertEquals(await other.hex(), sha512OfAbc);
    assertEquals(await (await streamingHash("sha256")).hex(), sha256OfNothing);
  });

  it("can be had without waiting", () => {
    const hash = streamingHashSync("sha256");
    assertExists(hash);
    hash.update(abc);
    assertEquals(hash.hexSync(), sha256OfAbc);
  });
});
