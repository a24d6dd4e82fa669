import { describe, it } from "node:test";
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { LimitError } from "../../src/errors.ts";
import { type Bytes, readTar } from "../../src/tar/mod.ts";
import { TarWalker } from "../../src/tar/walker.ts";
import { archive, header, list, padded } from "../make/archives.ts";
import { collect, streamOf, streamOfChunks } from "../make/streams.ts";
import { cut, joined, utf8 } from "../make/bytes.ts";

const content = (size: number, seed: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) % 251);
const A = content(3000, 1);
const B = content(1024, 2);
const TWO = archive(header({ name: "a", size: A.length }), A, header({ name: "b", size: B.length }), B);

/** Creates a stream that gets its next chunk by `feed`, which returns whether it was the last one. */
function fedByHand(bytes: Bytes, size: number): { source: ReadableStream<Bytes>; feed: () => boolean } {
  const chunks = cut(bytes, () => size);
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  const writer = writable.getWriter();
  const feed = () => {
    const chunk = chunks.shift();
    void (chunk === undefined ? writer.close() : writer.write(chunk));
    return chunk === undefined;
  };
  return { source: readable, feed };
}

describe("a tar entry", () => {
  it("gives its content as a stream", async () => {
    for (const size of [1, 513, 100_000]) {
      const contents = [];
      for await (const entry of readTar(streamOf(TWO, size))) contents.push(await collect(entry.readable!));
      assertEquals(contents, [A, B]);
    }
  });

  it("gives its content in pieces, at once where they are in memory", async () => {
    for await (const entry of readTar(streamOf(TWO))) {
      const piece = entry.read();
      assert(piece instanceof Uint8Array);
      assertEquals(piece, entry.path === "a" ? A : B);
      assertEquals(entry.read(), undefined);
    }
  });

  it("gives its content without a copy", async () => {
    const chunk = TWO.slice();
    for await (const entry of readTar(streamOfChunks([chunk]))) {
      assertStrictEquals((await entry.read())?.buffer, chunk.buffer);
    }
  });

  it("keeps its header when its chunk is used for something else", async () => {
    const chunk = TWO.slice();
    const entries = await Array.fromAsync(readTar(streamOfChunks([chunk])));
    chunk.fill(0xff);
    assertEquals(entries.map(({ path, rawHeader }) => [path, rawHeader.length]), [["a", 512], ["b", 512]]);
    assertEquals(entries.map(({ rawHeader }) => rawHeader), [TWO.slice(0, 512), TWO.slice(3584, 4096)]);
    assertNotStrictEquals(entries[0].rawHeader.buffer, chunk.buffer);
  });

  it("is passed over, all or some of it, when the next one is asked for", async () => {
    for (const size of [1, 513, 100_000]) {
      const paths = [];
      for await (const entry of readTar(streamOf(TWO, size))) {
        paths.push(entry.path);
        if (entry.path === "a") await entry.read();
      }
      assertEquals(paths, ["a", "b"]);
    }
  });

  it("gives nothing more after it was skipped", async () => {
    for await (const entry of readTar(streamOf(TWO, 700))) {
      await entry.read();
      entry.skip();
      assertEquals(await entry.read(), undefined);
      assertEquals(await entry.bytes(), new Uint8Array(0));
    }
  });

  it("is skipped when its stream is cancelled", async () => {
    const paths = [];
    for await (const entry of readTar(streamOf(TWO, 700))) {
      paths.push(entry.path);
      await entry.readable!.cancel();
    }
    assertEquals(paths, ["a", "b"]);
  });

  it("may be cancelled while it waits for content, and the next one comes", async () => {
    const { source, feed } = fedByHand(TWO, 1000);
    const reader = readTar(source);
    feed();
    const entry = (await reader.next()).value;
    assert(entry !== undefined);
    const content = entry.readable!.getReader();
    await content.read();
    const waiting = content.read();
    await content.cancel();
    feed();
    assertEquals(await waiting, { done: true, value: undefined });
    const next = reader.next();
    while (!feed());
    assertEquals((await next).value?.path, "b");
  });

  it("has the offset of its first header block", async () => {
    const entries = await list(archive(
      header({ typeflag: "L", size: 2 }),
      utf8("a\0"),
      header({ size: 1 }),
      utf8("x"),
      header({ name: "b" }),
    ));
    assertEquals(entries.map(({ entry }) => [entry.path, entry.offset]), [["a", 0], ["b", 2048]]);
  });

  it("refuses to be read after the next one was asked for", async () => {
    const reader = readTar(streamOf(TWO, 700));
    const first = (await reader.next()).value;
    assert(first !== undefined);
    const stream = first.readable!;
    await reader.next();
    assertThrows(() => first.read(), TypeError, 'The content of tar entry "a" was passed over');
    await assertRejects(() => first.bytes(), TypeError, "was passed over");
    await assertRejects(() => collect(stream), TypeError, "was passed over");
    first.skip();
    assertEquals((await reader.next()).done, true);
  });

  it("is read into memory up to a limit", async () => {
    for await (const entry of readTar(streamOf(TWO))) {
      const limit = entry.size;
      const message = `tar entry "${entry.path}" has ${limit} bytes, the limit is ${limit - 1}`;
      await assertRejects(() => entry.bytes({ limit: limit - 1 }), LimitError, message);
      assertEquals(await entry.bytes({ limit }), entry.path === "a" ? A : B);
    }
  });

  it("tells when its chunk was transferred while it was read", async () => {
    const chunk = TWO.slice();
    await assertRejects(
      async () => {
        for await (const entry of readTar(streamOfChunks([chunk]))) {
          structuredClone(await entry.read(), { transfer: [chunk.buffer] });
        }
      },
      TypeError,
      "A chunk of the archive was transferred while it was read",
    );
  });
});

describe("readTar", () => {
  it("reads nothing before it is asked", async () => {
    let pulls = 0;
    const source = new ReadableStream<Bytes>({
      pull(controller) {
        pulls++;
        controller.enqueue(TWO);
        controller.close();
      },
    }, { highWaterMark: 0 });
    const reader = readTar(source);
    await Promise.resolve();
    assertEquals(pulls, 0);
    await reader.next();
    assertEquals(pulls, 1);
  });

  it("cancels its source when the loop is left", async () => {
    let cancels = 0;
    for await (const entry of readTar(streamOfChunks(cut(TWO, () => 700), () => cancels++))) {
      assertEquals(entry.path, "a");
      break;
    }
    assertEquals(cancels, 1);
  });

  it("ends after it was left", async () => {
    const source = streamOf(TWO, 700);
    const reader = readTar(source);
    await reader.next();
    assertEquals(await reader.return(), { done: true, value: undefined });
    assertEquals(await reader.next(), { done: true, value: undefined });
    assertEquals(source.locked, false);
  });

  it("lets go of its source at the end", async () => {
    const source = streamOf(TWO);
    await list(source);
    assertEquals(source.locked, false);
  });

  it("cancels its source when the archive is corrupt", async () => {
    const reasons: unknown[] = [];
    const bytes = joined(header({ checksumOff: 1 }), new Uint8Array(5000));
    const error = await assertRejects(() =>
      list(streamOfChunks(cut(bytes, () => 700), (reason) => reasons.push(reason)))
    );
    assertEquals(reasons, [error]);
  });

  it("passes on what its source fails with", async () => {
    const failure = new Error("the disk is gone");
    const failing = () => {
      let first = true;
      return new ReadableStream<Bytes>({
        pull(controller) {
          if (first) controller.enqueue(TWO.slice(0, 1000));
          else controller.error(failure);
          first = false;
        },
      }, { highWaterMark: 0 });
    };
    assertStrictEquals(await assertRejects(() => list(failing())), failure);
    for await (const entry of readTar(failing())) {
      assertStrictEquals(await assertRejects(() => collect(entry.readable!)), failure);
      break;
    }
  });

  it("is not disturbed by empty chunks", async () => {
    const chunks = cut(TWO, () => 700).flatMap((chunk) => [new Uint8Array(0), chunk]);
    assertEquals((await list(streamOfChunks(chunks))).map(({ content }) => content), [A, B]);
  });

  it("refuses to start when its signal is aborted already", async () => {
    let cancelled: unknown;
    const source = streamOfChunks([TWO], (reason) => cancelled = reason);
    const reason = new Error("no");
    const reader = readTar(source, { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await assertRejects(() => reader.next()), reason);
    assertStrictEquals(cancelled, reason);
  });

  it("stops waiting when its signal is aborted", async () => {
    let cancelled: unknown;
    const stalled = new ReadableStream<Bytes>({
      start: (controller) => controller.enqueue(TWO.slice(0, 1000)),
      cancel: (reason) => void (cancelled = reason),
    });
    const controller = new AbortController();
    const reason = new Error("enough");
    const reader = readTar(stalled, { signal: controller.signal });
    const { value: entry } = await reader.next();
    assert(entry !== undefined);
    await entry.read();
    const waiting = assertRejects(() => Promise.resolve(entry.read()));
    controller.abort(reason);
    assertStrictEquals(await waiting, reason);
    assertStrictEquals(await assertRejects(() => reader.next()), reason);
    assertStrictEquals(cancelled, reason);
    assertEquals(stalled.locked, false);
  });

  it("lets a read of content and the next entry be asked for at once", async () => {
    const reader = readTar(streamOf(TWO, 100));
    const { value: entry } = await reader.next();
    assert(entry !== undefined);
    await entry.read();
    const reading = assertRejects(async () => await entry.read(), TypeError, "was passed over");
    const next = await reader.next();
    assertEquals(next.value?.path, "b");
    await reading;
  });
});

describe("TarWalker", () => {
  it("walks a whole archive in memory without waiting", () => {
    const walker = new TarWalker();
    walker.feed(TWO);
    walker.end();
    const steps = [];
    for (let step = walker.step(); step !== "end"; step = walker.step()) {
      steps.push(step === "entry" ? walker.entry.path : walker.content.length, walker.remaining, walker.offset);
    }
    assertEquals(steps, ["a", 3000, 512, 3000, 0, 3512, "b", 1024, 4096, 1024, 0, 5120]);
  });

  it("skips without giving content", () => {
    const walker = new TarWalker();
    const chunks = cut(TWO, () => 1000);
    const steps = [];
    for (let step = walker.step(); step !== "end"; step = walker.step()) {
      steps.push(step);
      if (step === "entry") walker.skip();
      if (step !== "more") continue;
      const chunk = chunks.shift();
      if (chunk === undefined) walker.end();
      else walker.feed(chunk);
    }
    assertEquals(steps.filter((step) => step !== "more"), ["entry", "entry"]);
  });

  it("refuses a chunk that it has not asked for", () => {
    const walker = new TarWalker();
    assertThrows(() => walker.entry, TypeError, "no entry yet");
    walker.feed(TWO);
    assertThrows(() => walker.feed(TWO), TypeError, 'after the step that gave "more"');
    while (walker.step() !== "more");
    walker.end();
    assertThrows(() => walker.feed(TWO), TypeError, "after its end");
  });

  it("gives entries that have a header alone", () => {
    const walker = new TarWalker();
    walker.feed(padded(header({})));
    assertEquals(walker.step(), "entry");
    assertEquals(walker.entry.type, "file");
  });
});
