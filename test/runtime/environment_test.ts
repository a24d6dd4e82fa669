import { assert, assertEquals } from "@std/assert";
import * as os from "node:os";
import { describe, it } from "node:test";
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

  it("gives interrupts back", () => {
    const undo = onInterrupt(() => {});
    undo();
    undo();
  });
});
