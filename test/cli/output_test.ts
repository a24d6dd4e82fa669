import { describe, it } from "node:test";
import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { StandardOutput } from "../../cli/output.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { FakeIo } from "../fakes/fake_io.ts";
import { runLine } from "../make/command_line.ts";

const closedPipe = () => Object.assign(new Error("Broken pipe"), { code: "EPIPE" });
const fullDisk = () => Object.assign(new Error("No space left on device"), { code: "ENOSPC" });

describe("standard output", () => {
  it("gets every line, many in one write", async () => {
    const { out, io } = await runLine("lines 5000");
    assertEquals(out, Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join(""));
    assertLess(io.writes.length, 2500);
    assertEquals(io.writes[0], "line 0\n");
  });

  it("keeps the order of lines and bytes", async () => {
    const io = new FakeIo();
    const output = new StandardOutput(io.stdout, { onFailure: () => {} });
    void output.print("one");
    void output.print("two");
    await output.write("three");
    await output.write(new TextEncoder().encode("\nfour"));
    assertEquals(io.out, "one\ntwo\nthree\nfour");
  });

  it("passes bytes through as they are", async () => {
    assertEquals((await runLine("echo", { stdin: "no newline at the end" })).out, "no newline at the end");
  });

  it("that nobody reads any more ends the command quietly with 0", async () => {
    for (const line of ["flood", "pour", "lines 3"]) {
      const { code, err } = await runLine(line, {
        onWrite() {
          throw closedPipe();
        },
      });
      assertEquals([line, code, err], [line, 0, ""]);
    }
  });

  it("that nobody reads any more ends a command that waits for something else", async () => {
    const { code, err } = await runLine("trickle", {
      onWrite() {
        throw closedPipe();
      },
    });
    assertEquals([code, err], [0, ""]);
  });

  it("on a full disk is a failure", async () => {
    for (const line of ["flood", "lines 1", "--help"]) {
      const { code, err } = await runLine(line, {
        onWrite() {
          throw fullDisk();
        },
      });
      assertEquals([line, code, err], [
        line,
        1,
        "Error: can't write to standard output: no space left on device — free some space, or choose another place\n",
      ]);
    }
  });

  it("cancels a stream that it can't write", async () => {
    let cancelled: unknown;
    const stream: ByteStream = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: (reason) => void (cancelled = reason),
    }, { highWaterMark: 0 });
    const failed: unknown[] = [];
    const error = fullDisk();
    const port = { write: () => Promise.reject(error), terminal: () => undefined };
    const output = new StandardOutput(port, { onFailure: (reason) => failed.push(reason) });
    await assertRejects(() => output.pipe(stream), Error, "No space left");
    assertEquals([cancelled, failed], [error, [error]]);
  });
});
