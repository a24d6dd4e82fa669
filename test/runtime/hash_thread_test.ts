import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { runProgram } from "../make/runtime_programs.ts";

describe("a thread that hashes files", { timeout: 120_000 }, () => {
  async function run(how: string): Promise<unknown> {
    const { code, stdout, stderr } = await runProgram("hash_threads.ts", [how]);
    assertEquals([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  }

  it("is one for all open files, and ends with the last", async () => {
    assertEquals(await run("one"), { outcome: "right", started: 1, ended: 1 });
    assertEquals(await run("many"), { outcome: "right", started: 1, ended: 1 });
  });

  it("does not start for what is hashed in less time than its start", async () => {
    assertEquals(await run("small"), { outcome: "right", started: 0, ended: 0 });
  });

  it("need not start or live: the hash is the same", async () => {
    assertEquals(await run("can't start"), { outcome: "right", started: 0, ended: 0 });
    assertEquals(await run("does not start"), { outcome: "right", started: 1, ended: 1 });
    assertEquals(await run("ends"), { outcome: "right", started: 1, ended: 1 });
  });

  it("hashes the open file, not another one that has its path by now", async () => {
    assertEquals(await run("exchanged"), { outcome: "right", started: 1, ended: 1 });
  });

  it("ends with an abort", async () => {
    assertEquals(await run("abort"), { outcome: "enough", started: 1, ended: 1 });
  });
});
