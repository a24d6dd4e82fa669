import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { chunks, drain, observe, streamOf } from "../../src/io/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect, streamFrom, track } from "../make/streams.ts";

const ONE = utf8("one");
const TWO = utf8("two");

describe("observe", () => {
  it("calls each observer in its turn", async () => {
    const seen: string[] = [];
    const stream = observe(streamFrom(ONE, TWO), {
      start: () => void seen.push("start"),
      chunk: (chunk) => void seen.push(new TextDecoder().decode(chunk)),
      end: () => void seen.push("end"),
      settled: (error) => void seen.push(`settled ${error}`),
    });
    assertEquals(seen, []);
    await collect(stream);
    assertEquals(seen, ["start", "one", "two", "end", "settled undefined"]);
  });

  it("fails the stream and cancels the source when an observer throws", async () => {
    for (const place of ["start", "chunk", "end"]) {
      const source = track([ONE, TWO]);
      const settled: unknown[] = [];
      const problem = new Error(place);
      const stream = observe(source.stream, {
        [place]: () => {
          throw problem;
        },
        settled: (error) => void settled.push(error),
      });
      await assertRejects(() => collect(stream), Error, place);
      assertEquals(settled, [problem]);
      // A source that has ended by itself has nothing to cancel.
      assertEquals(source.cancels, place === "end" ? [] : [problem]);
    }
  });

  it("settles once on a cancel", async () => {
    const settled: unknown[] = [];
    const source = track([ONE]);
    const stream = observe(source.stream, { settled: (error) => void settled.push(error) });
    const reason = new Error("enough");
    await stream.cancel(reason);
    assertEquals(settled, [reason]);
    assertEquals(source.cancels, [reason]);
  });

  it("takes a cancel for no end, also while a read is under way", async () => {
    const seen: string[] = [];
    const source = new ReadableStream<Uint8Array<ArrayBuffer>>(); // gives nothing
    const reader = observe(source, {
      end: () => void seen.push("end"),
      settled: (error) => void seen.push(`settled ${error}`),
    }).getReader();
    const read = reader.read();
    for (let i = 0; i < 10; i++) await undefined;
    await reader.cancel("enough");
    await read;
    for (let i = 0; i < 10; i++) await undefined;
    assertEquals(seen, ["settled enough"]);
  });

  it("asks for one chunk at a time", async () => {
    const source = track([ONE, TWO]);
    const reader = observe(source.stream, {}).getReader();
    await reader.read();
    assertEquals(source.pulls(), 1);
    await reader.cancel();
  });
});

describe("chunks", () => {
  it("cancels what it leaves early", async () => {
    const source = track([ONE, TWO]);
    for await (const chunk of chunks(source.stream)) {
      assertEquals(chunk, ONE);
      break;
    }
    assertEquals(source.cancels.length, 1);
  });

  it("ends a read that waits when the signal aborts", async () => {
    const cancels: unknown[] = [];
    const silent = new ReadableStream({
      pull: () => new Promise(() => {}),
      cancel: (reason) => void cancels.push(reason),
    });
    const controller = new AbortController();
    const reading = drain(silent, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => reading, Error, "enough");
    assertEquals(cancels, [controller.signal.reason]);
  });

  it("reads nothing with a signal that has aborted", async () => {
    const source = track([ONE]);
    await assertRejects(
      () => drain(source.stream, { signal: AbortSignal.abort(new Error("before")) }),
      Error,
      "before",
    );
    assertEquals(source.pulls(), 0);
    assertEquals(source.cancels.length, 1);
  });
});

describe("drain and streamOf", () => {
  it("counts the bytes", async () => {
    assertEquals(await drain(streamFrom(ONE, TWO)), 6);
    assertEquals(await drain(streamOf(ONE)), 3);
    assertEquals(await collect(streamOf(ONE)), ONE);
    assertEquals(await drain(streamOf(new Uint8Array(0))), 0);
  });
});
