import { assertEquals, assertNotStrictEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { observe } from "../../src/io/mod.ts";
import { type Bytes, ChunkReader, pullStream, readStream, serveFetch } from "../../src/runtime/mod.ts";
import { pipeToNode } from "../../src/runtime/node_writable.ts";
import { noise } from "../make/bytes.ts";
import { inFolder } from "../make/folders.ts";

const CONTENT = noise(1_000_003, 5);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function inFile(test: (path: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "file"), CONTENT);
    await test(join(folder, "file"));
  });
}

/** Reads to the end; returns the hash of the bytes as they were when each chunk was read, and the buffers. */
async function readAll(reader: ChunkReader): Promise<{ hex: string; buffers: Set<ArrayBuffer> }> {
  const hash = createHash("sha256");
  const buffers = new Set<ArrayBuffer>();
  for (let chunk: Bytes | undefined; (chunk = await reader.read()) !== undefined;) {
    hash.update(chunk);
    buffers.add(chunk.buffer);
  }
  assertEquals(await reader.read(), undefined);
  return { hex: hash.digest("hex"), buffers };
}

describe("a reader of chunks", { timeout: 60_000 }, () => {
  it("borrows the buffer of a file, also through an observer", () =>
    inFile(async (path) => {
      let seen = 0;
      const observed = () => observe(readStream(path), { chunk: ({ length }) => seen += length });
      for (const open of [() => readStream(path), observed]) {
        const borrowed = await readAll(new ChunkReader(open()).borrow());
        assertEquals([borrowed.hex, borrowed.buffers.size], [sha256(CONTENT), 1]);
        const own = await readAll(new ChunkReader(open()));
        assertEquals([own.hex, own.buffers.size], [sha256(CONTENT), Math.ceil(CONTENT.length / (256 * 1024))]);
      }
      assertEquals(seen, 2 * CONTENT.length);
    }));

  it("reads a body as it is", async () => {
    const server = await serveFetch(() => new Response(CONTENT));
    try {
      const { body } = await fetch(server.url);
      assertEquals((await readAll(new ChunkReader(body!).borrow({ isBody: true }))).hex, sha256(CONTENT));
    } finally {
      await server.close();
    }
    const whole = new Response(CONTENT).body!;
    assertEquals((await readAll(new ChunkReader(whole).borrow())).hex, sha256(CONTENT));
  });

  it("passes a failure on, each time it is read", async () => {
    let cancels = 0;
    const failing = () =>
      pullStream({
        read: () => Promise.reject(new Error("no further")),
        cancel: () => void cancels++,
        lend() {},
      });
    for (const reader of [new ChunkReader(failing()), new ChunkReader(failing()).borrow()]) {
      await assertRejects(() => reader.read(), Error, "no further");
      await assertRejects(() => reader.read(), Error, "no further");
      await reader.cancel().catch(() => {});
    }
    assertEquals(cancels, 0);
  });

  it("ends a pending read when it is cancelled, and cancels its source once", async () => {
    for (const borrows of [false, true]) {
      const reasons: unknown[] = [];
      const pending = Promise.withResolvers<Bytes>();
      const stream = pullStream({
        read: () => pending.promise,
        cancel(reason) {
          reasons.push(reason);
          pending.resolve(new Uint8Array(1));
        },
        lend() {},
      });
      const reader = new ChunkReader(stream);
      if (borrows) reader.borrow();
      const read = reader.read();
      await reader.cancel("enough");
      await reader.cancel("enough");
      assertEquals([await read, reasons], [undefined, ["enough"]]);
    }
  });

  it("locks its stream", () =>
    inFile(async (path) => {
      const stream = readStream(path);
      const reader = new ChunkReader(stream).borrow();
      assertEquals(stream.locked, true);
      await reader.cancel();
    }));

  it("gives chunks of their own unless it borrows", () =>
    inFile(async (path) => {
      const reader = new ChunkReader(readStream(path));
      const [first, second] = [await reader.read(), await reader.read()];
      assertNotStrictEquals(first!.buffer, second!.buffer);
      assertStrictEquals(sha256(first!), sha256(CONTENT.subarray(0, first!.length)));
      await reader.cancel();
    }));
});

it("a writer of node has passed a borrowed chunk on before the next is read", () =>
  inFile(async (path) => {
    const hash = createHash("sha256");
    const slow = new Writable({
      highWaterMark: 10_000_000, // so that it never asks to wait
      write(chunk, _, done) {
        setTimeout(() => {
          hash.update(chunk);
          done();
        }, 5);
      },
    });
    await pipeToNode(readStream(path), slow);
    await new Promise((resolve) => slow.once("finish", resolve));
    assertEquals(hash.digest("hex"), sha256(CONTENT));
  }));
