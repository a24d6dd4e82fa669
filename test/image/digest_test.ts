import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { digestBytes, digestStream } from "../../src/image/mod.ts";

const EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const hello = new TextEncoder().encode("hello");

describe("digestBytes", () => {
  it("returns the digest of bytes", async () => {
    assertEquals([await digestBytes(new Uint8Array()), await digestBytes(hello)], [EMPTY, HELLO]);
    assertEquals((await digestBytes(hello, "sha512")).slice(0, 15), "sha512:9b71d224");
  });
});

describe("digestStream", () => {
  it("returns digest and size of a stream, whatever its chunks are", async () => {
    assertEquals(await digestStream(new Blob([]).stream()), { digest: EMPTY, size: 0 });
    const chunked = ReadableStream.from([hello.subarray(0, 1), hello.subarray(1, 1), hello.subarray(1)]);
    assertEquals(await digestStream(chunked), { digest: HELLO, size: 5 });
  });
});
