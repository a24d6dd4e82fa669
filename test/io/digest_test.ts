import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { DigestMismatchError, SizeMismatchError } from "../../src/errors.ts";
import { type Digest, digestBytes, measureStream, verifyBytes, verifyStream } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";

const TEXT = utf8("hello, layer");
const SHA256: Digest = `sha256:${createHash("sha256").update(TEXT).digest("hex")}`;
const SHA512: Digest = `sha512:${createHash("sha512").update(TEXT).digest("hex")}`;
const OTHER: Digest = `sha256:${"0".repeat(64)}`;

/** Reads until the stream ends or fails; what came before. */
async function readUntilOver(stream: ReadableStream<Bytes>): Promise<{ chunks: Bytes[]; error?: unknown }> {
  const chunks: Bytes[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    return { chunks };
  } catch (error) {
    return { chunks, error };
  }
}

describe("digestBytes", () => {
  it("knows both algorithms", async () => {
    assertEquals(await digestBytes(TEXT), SHA256);
    assertEquals(await digestBytes(TEXT, "sha512"), SHA512);
    assertEquals(await digestBytes(new Uint8Array(0)), `sha256:${createHash("sha256").digest("hex")}`);
  });
});

describe("verifyBytes", () => {
  it("gives the bytes back when they are right", async () => {
    assertEquals(await verifyBytes(TEXT, { digest: SHA256, size: TEXT.length }, "it"), TEXT);
    assertEquals(await verifyBytes(TEXT, { digest: SHA512 }, "it"), TEXT);
  });

  it("says what is wrong, and with what", async () => {
    await assertRejects(
      () => verifyBytes(TEXT, { digest: SHA256, size: 5 }, "the blob"),
      SizeMismatchError,
      "the blob has 12 bytes where 5 were promised",
    );
    await assertRejects(
      () => verifyBytes(TEXT, { digest: OTHER }, "the blob"),
      DigestMismatchError,
      `the blob has the digest ${SHA256} where ${OTHER} was promised`,
    );
  });
});

describe("verifyStream", () => {
  it("passes on what is right", async () => {
    for (const digest of [SHA256, SHA512]) {
      const source = streamFrom(TEXT.slice(0, 5), TEXT.slice(5));
      assertEquals(await collect(verifyStream(source, { digest, size: TEXT.length }, "it")), TEXT);
    }
  });

  it("fails before it closes when the digest is another", async () => {
    const { chunks, error } = await readUntilOver(verifyStream(streamFrom(TEXT), { digest: OTHER }, "it"));
    assertEquals(chunks.length, 1);
    assertEquals((error as Error).name, "DigestMismatchError");
  });

  it("fails before it closes when bytes are missing", async () => {
    const verified = verifyStream(streamFrom(TEXT), { digest: SHA256, size: TEXT.length + 1 }, "it");
    const { error } = await readUntilOver(verified);
    assertEquals((error as Error).message, "it has 12 bytes where 13 were promised");
    assertEquals((error as Error).name, "SizeMismatchError");
  });

  it("fails at the first byte too many, passes none of that chunk on and cancels the source", async () => {
    const source = track([TEXT, TEXT, TEXT, TEXT]);
    const { chunks, error } = await readUntilOver(
      verifyStream(source.stream, { digest: SHA256, size: TEXT.length }, "it"),
    );
    assertEquals(chunks, [TEXT]);
    assertEquals((error as Error).message, "it has more than the 12 bytes that were promised");
    assertEquals(source.pulls(), 2);
    assertEquals(source.cancels, [error]);
  });

  it("passes on the source's own error", async () => {
    const { error } = await readUntilOver(verifyStream(streamFrom(TEXT, new Error("cut")), { digest: SHA256 }, "it"));
    assertEquals((error as Error).message, "cut");
  });

  it("reads nothing before it is read, and passes a cancel on", async () => {
    const source = track([TEXT, TEXT]);
    const verified = verifyStream(source.stream, { digest: SHA256 }, "it");
    const reader = verified.getReader();
    assertEquals(source.pulls(), 0);
    await reader.read();
    await reader.cancel("enough");
    assertEquals(source.cancels, ["enough"]);
  });
});

describe("measureStream", () => {
  it("measures what passes, known before the stream is over", async () => {
    const { stream, measured } = measureStream(streamFrom(TEXT.slice(0, 3), TEXT.slice(3)));
    let known: unknown;
    measured.then((found) => known = found);
    assertEquals(await collect(stream), TEXT);
    assertEquals(known, { digest: SHA256, size: TEXT.length });
    const other = measureStream(streamFrom(TEXT), "sha512");
    await collect(other.stream);
    assertEquals((await other.measured).digest, SHA512);
  });

  it("rejects when the stream fails or is cancelled", async () => {
    const failing = measureStream(streamFrom(TEXT, new Error("cut")));
    await assertRejects(() => collect(failing.stream), Error, "cut");
    await assertRejects(() => failing.measured, Error, "cut");
    const cancelled = measureStream(streamFrom(TEXT));
    await cancelled.stream.cancel(new Error("enough"));
    await assertRejects(() => cancelled.measured, Error, "enough");
    const silent = measureStream(streamFrom(TEXT));
    await silent.stream.cancel();
    await assertRejects(() => silent.measured, DOMException);
  });
});
