import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { readAhead } from "../../src/io/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { collect, streamFrom, track } from "../make/streams.ts";

/** Chunks of `size` bytes, each filled with its number. */
function* numbered(count: number, size: number): Generator<Bytes> {
  for (let i = 0; i < count; i++) yield new Uint8Array(size).fill(i);
}

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve));
}

async function firstBytes(stream: ByteStream): Promise<number[]> {
  const firsts: number[] = [];
  for await (const chunk of stream) firsts.push(chunk[0]);
  return firsts;
}

describe("readAhead", () => {
  it("passes all chunks in order, whatever the limit", async () => {
    const expected = Array.from({ length: 100 }, (_, i) => i);
    for (const limit of [1, 10, 35, 1000, Infinity]) {
      assertEquals(await firstBytes(readAhead(track(numbered(100, 10)).stream, limit)), expected);
    }
  });

  it("passes empty streams and empty chunks", async () => {
    assertEquals(await collect(readAhead(streamFrom(), 10)), new Uint8Array(0));
    const chunks = [new Uint8Array(0), new Uint8Array([1]), new Uint8Array(0)];
    assertEquals(await collect(readAhead(streamFrom(...chunks), 1)), new Uint8Array([1]));
  });

  it("begins at once and stops at its limit", async () => {
    const source = track(numbered(100, 10));
    const stream = readAhead(source.stream, 30);
    await settle();
    assertEquals(source.pulls(), 3);

    const reader = stream.getReader();
    await reader.read();
    await settle();
    assertEquals(source.pulls(), 4);
    await reader.read();
    await reader.read();
    await settle();
    assertEquals(source.pulls(), 6);
    await reader.cancel();
  });

  it("goes on while nobody reads, until the end", async () => {
    const source = track(numbered(5, 10));
    const stream = readAhead(source.stream, 1000);
    await settle();
    assertEquals(source.pulls(), 6);
    assertEquals(await firstBytes(stream), [0, 1, 2, 3, 4]);
  });

  it("keeps a failure until what came before it was read", async () => {
    const failure = new Error("cut");
    const reader = readAhead(streamFrom(new Uint8Array([1]), new Uint8Array([2]), failure), 1000).getReader();
    await settle();
    assertEquals((await reader.read()).value, new Uint8Array([1]));
    assertEquals((await reader.read()).value, new Uint8Array([2]));
    assertStrictEquals(await assertRejects(() => reader.read()), failure);
  });

  it("fails with what is thrown, whatever that is", async () => {
    const source = new ReadableStream<Bytes>({ pull: (controller) => controller.error(undefined) });
    const error = await readAhead(source, 10).getReader().read().then(() => "no failure", (error) => error);
    assertEquals(error, undefined);
  });

  it("troubles nobody with a failure that is never read", async () => {
    readAhead(streamFrom(new Error("unread")), 10);
    await settle();
  });

  it("waits for a source that has nothing yet", async () => {
    let enqueue = (_chunk: Bytes) => {};
    const source = new ReadableStream<Bytes>({
      start: (controller) => void (enqueue = (chunk) => controller.enqueue(chunk)),
    });
    const reader = readAhead(source, 10).getReader();
    const reading = reader.read();
    await settle();
    enqueue(new Uint8Array([7]));
    assertEquals((await reading).value, new Uint8Array([7]));
    await reader.cancel();
  });

  it("passes a cancel on, when it waits for room", async () => {
    const source = track(numbered(100, 10));
    const stream = readAhead(source.stream, 25);
    await settle();
    await stream.cancel("enough");
    assertEquals(source.cancels, ["enough"]);
    assertEquals(source.pulls(), 3);
  });

  it("passes a cancel on, when it waits for the source", async () => {
    const cancels: unknown[] = [];
    const source = new ReadableStream<Bytes>({
      pull: () => new Promise(() => {}),
      cancel: (reason) => void cancels.push(reason),
    }, { highWaterMark: 0 });
    const reader = readAhead(source, 25).getReader();
    const reading = reader.read();
    await settle();
    await reader.cancel("enough");
    assertEquals(cancels, ["enough"]);
    assertEquals((await reading).done, true);
  });

  it("passes a cancel on, when the source is at its end", async () => {
    const source = track(numbered(2, 10));
    const stream = readAhead(source.stream, 1000);
    await settle();
    await stream.cancel();
    assertEquals(source.cancels, []);
  });

  it("holds the source alone", () => {
    const { stream } = track(numbered(2, 10));
    const ahead = readAhead(stream, 10);
    assert(stream.locked);
    assert(!ahead.locked);
  });
});
