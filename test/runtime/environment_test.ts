import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import * as os from "node:os";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import {
  currentDirectory,
  environmentVariable,
  homeDirectory,
  onInterrupt,
  platformOs,
  runtimeName,
  temporaryRoot,
  userId,
} from "../../src/runtime/mod.ts";
import { programWords } from "../make/processes.ts";

const PROGRAM = "test/runtime/programs/hang_up.ts";

describe("environment", () => {
  it("knows the runtime", () => {
    const { Deno, Bun } = globalThis as { Deno?: unknown; Bun?: unknown };
    assertEquals(runtimeName(), Deno !== undefined ? "deno" : Bun !== undefined ? "bun" : "node");
  });

  it("reads variables", () => {
    assert(process.env.PATH);
    assertEquals(environmentVariable("PATH"), process.env.PATH);
    assertEquals(environmentVariable("GCRANE_TEST_VARIABLE"), undefined);
  });

  it("finds the usual places", () => {
    assertEquals(homeDirectory(), os.homedir());
    assertEquals(currentDirectory(), process.cwd());
    assertEquals(temporaryRoot(), os.tmpdir());
    assertEquals(userId(), process.getuid?.());
    assertEquals(platformOs(), process.platform === "win32" ? "windows" : process.platform);
  });

  it("knows on Bun that SIGHUP is to be ignored, as nohup has it", { skip: platformOs() !== "linux" }, async () => {
    const { stdout } = await promisify(execFile)("sh", [
      "-c",
      'trap "" HUP; exec "$@"',
      "sh",
      ...programWords(PROGRAM),
    ]);
    assertEquals(stdout, `${runtimeName() === "bun"}\n`);
  });

  it("gives interrupts back", () => {
    const undo = onInterrupt(() => {});
    undo();
    undo();
  });
});
