import { assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { gunzipStream, gzipStream } from "../../src/runtime/mod.ts";
import { joined, noise, text } from "../make/bytes.ts";
import { runProgram } from "../make/runtime_programs.ts";
import { programWords } from "../make/processes.ts";
import { collect, streamOf } from "../make/streams.ts";

/** The length of a block. */
const BLOCK = 256 * 1024;

const isDeno = "Deno" in globalThis;

describe("gzipStream in blocks", () => {
  it("makes one member of any length, which others and our reader can read", async () => {
    const content = joined(noise(BLOCK - 100), text(200), noise(BLOCK + 100, 7), text(5000));
    for (const length of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, content.length]) {
      const raw = content.subarray(0, length);
      const compressed = await collect(gzipStream(streamOf(raw)));
      assertEquals(new Uint8Array(zlib.gunzipSync(compressed)), raw);
      assertEquals(await collect(gunzipStream(streamOf(compressed))), raw);
      // This codec reads one member alone.
      const one = new Response(compressed).body!.pipeThrough(new DecompressionStream("gzip"));
      assertEquals(new Uint8Array(await new Response(one).arrayBuffer()), raw);
    }
  });

  it("makes what gzip can read", async () => {
    const raw = joined(noise(BLOCK), text(3 * BLOCK + 5));
    const child = promisify(execFile)("gzip", ["-dc"], { encoding: "buffer", maxBuffer: 1 << 24 });
    child.child.stdin!.end(await collect(gzipStream(streamOf(raw))));
    assertEquals(new Uint8Array((await child).stdout), raw);
  });

  it("gives the same bytes with any number of threads, at each level", async () => {
    const raw = joined(noise(3 << 20), text(2 << 20), noise(1 << 20, 7), text(100_000));
    for (const level of [2, 9]) {
      const expected = await collect(gzipStream(streamOf(raw), { level, threads: 0 }));
      for (const threads of [1, 2, 4]) {
        const made = await collect(gzipStream(streamOf(raw), { level, threads }));
        assertEquals(zlib.crc32(made), zlib.crc32(expected));
      }
      assertEquals(zlib.crc32(zlib.gunzipSync(expected)), zlib.crc32(raw));
    }
  });

  it("does not wait for more than the next block of a slow source", { timeout: 20_000 }, async () => {
    let blocks = 0;
    const slow = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => blocks++ < 1 ? controller.enqueue(noise(BLOCK)) : new Promise(() => {}),
    });
    const reader = gzipStream(slow).getReader();
    let size = 0;
    while (size < BLOCK) size += (await reader.read()).value!.length;
    await reader.cancel();
  });

  it("gives many streams at a time their own bytes", async () => {
    const raws = Array.from({ length: 4 }, (_, seed) => joined(noise((5 << 20) + seed, seed + 1), text(300_000)));
    const expected = await Promise.all(raws.map((raw) => collect(gzipStream(streamOf(raw), { threads: 0 }))));
    const made = await Promise.all(raws.map((raw) => collect(gzipStream(streamOf(raw), { threads: 2 }))));
    for (const [index, bytes] of made.entries()) assertEquals(zlib.crc32(bytes), zlib.crc32(expected[index]));
  });
});

describe("threads that compress", { timeout: 120_000 }, () => {
  const used = isDeno ? 2 : 0;

  async function run(how: string): Promise<{ outcome: string; started: number; ended: number; digest: string }> {
    const { code, stdout, stderr } = await runProgram("gzip_threads.ts", [how]);
    assertEquals([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  }

  it("are used where node:zlib has none of its own, and end with the stream", async () => {
    const none = await run("none");
    assertEquals([none.outcome, none.started], ["done", 0]);
    assertEquals(await run("two"), { ...none, started: used, ended: used });
  });

  it("need not start: the bytes are the same", async () => {
    const { digest } = await run("none");
    assertEquals(await run("can't start"), { outcome: "done", started: 0, ended: 0, digest });
    assertEquals(await run("does not start"), { outcome: "done", started: used, ended: used, digest });
  });

  it("need no permission", async () => {
    const words = programWords("test/runtime/programs/gzip_threads.ts").filter((word) => word !== "--allow-all");
    const { stdout } = await promisify(execFile)(words[0], [...words.slice(1), "two"]);
    assertEquals(JSON.parse(stdout), { ...await run("none"), started: used, ended: used });
  });

  it("end when the stream is cancelled", async () => {
    const { outcome, started, ended } = await run("cancel");
    assertEquals([outcome, started, ended], ["cancelled", used, used]);
  });

  it("fail the stream when they end early", async () => {
    const { outcome, started, ended } = await run("ends");
    assertEquals([outcome, started, ended], [isDeno ? "CodecError" : "done", used, used]);
  });
});
