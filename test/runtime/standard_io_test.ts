import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { runCommand } from "../../src/runtime/mod.ts";
import { programCommand, runProgram, startProgram } from "../make/runtime_programs.ts";
import { noise } from "../make/bytes.ts";

describe("standard streams", () => {
  it("pass text in and out", async () => {
    const result = await runProgram("standard_io.ts", ["text", "two words"], "grüße");
    assertEquals(result, { code: 0, stdout: "grüße|two words|undefined", stderr: "" });
  });

  it("read variables of the environment", async () => {
    const { command, args } = programCommand("standard_io.ts", ["text"]);
    const result = await runCommand(command, args, { input: "", env: { GCRANE_TEST: "value" } });
    assertEquals(result.stdout, "|undefined|value");
  });

  it("pass many bytes on unchanged", async () => {
    const child = startProgram("standard_io.ts", ["copy"]);
    const content = noise(3_000_000);
    const chunks: Uint8Array[] = [];
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stdin?.end(content);
    assertEquals(await new Promise((resolve) => child.on("close", resolve)), 0);
    assertEquals(new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer()), content);
  });

  it("keep the order of writes that nobody waits for", async () => {
    const child = startProgram("standard_io.ts", ["flood"]);
    const counts: number[] = [];
    let last = -1;
    let inOrder = true;
    child.stdout?.on("data", (chunk: Uint8Array) => {
      for (const byte of chunk) {
        inOrder &&= byte === last || byte === last + 1;
        last = byte;
        counts[byte] = (counts[byte] ?? 0) + 1;
      }
    });
    await new Promise((resolve) => child.on("close", resolve));
    assertEquals(inOrder, true);
    assertEquals(counts, new Array(64).fill(100_000));
  });

  it("say EPIPE when the reader has gone", async () => {
    const child = startProgram("standard_io.ts", ["closed"]);
    let stderr = "";
    child.stderr?.on("data", (chunk) => stderr += chunk);
    child.stdout?.once("data", () => child.stdout?.destroy());
    assertEquals(await new Promise((resolve) => child.on("close", resolve)), 0);
    assertEquals(stderr, "failed with EPIPE");
  });

  it("write to standard error, and end with an exit code", async () => {
    assertEquals(await runProgram("standard_io.ts", ["stderr"]), { code: 3, stdout: "", stderr: "first second" });
  });

  it("end with an exit code while a read waits for more", { timeout: 20_000 }, async () => {
    const child = startProgram("standard_io.ts", ["leave"]);
    child.stdin?.write("something");
    assertEquals(await new Promise((resolve) => child.on("exit", resolve)), 5);
    child.stdin?.destroy();
  });

  it("know that a pipe is no terminal", async () => {
    assertEquals((await runProgram("standard_io.ts", ["terminal"])).stdout, "[false,false,false]undefined");
  });

  it("handle an interrupt, remove what is temporary and end with 130", async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = startProgram("standard_io.ts", ["interrupt"]);
      let stderr = "";
      child.stderr?.on("data", (chunk) => stderr += chunk);
      const path = await new Promise<string>((resolve) =>
        child.stdout?.once("data", (chunk) => resolve(String(chunk)))
      );
      assertEquals(existsSync(path), true);
      // After `child.kill` Deno reports the signal instead of the exit code.
      process.kill(child.pid!, signal);
      assertEquals(await new Promise((resolve) => child.on("close", resolve)), 130);
      assertEquals(stderr, signal);
      assertEquals(existsSync(path), false);
    }
  });
});
