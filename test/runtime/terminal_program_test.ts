import { assertEquals, assertRejects } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { joinPath, remove, runOnTerminal, temporaryDirectory } from "../../src/runtime/mod.ts";

describe("runOnTerminal", () => {
  it("passes arguments as they are, without a shell, and gives the exit code", async () => {
    const directory = await temporaryDirectory();
    try {
      const path = joinPath(directory, "a b");
      assertEquals(await runOnTerminal("sh", ["-c", 'printf "%s" "$2" > "$1"; exit 3', "sh", path, "$HOME *"]), 3);
      assertEquals(readFileSync(path, "utf8"), "$HOME *");
    } finally {
      await remove(directory, { recursive: true });
    }
  });

  it("gives 128 and the number of the signal that ended it", async () => {
    assertEquals(await runOnTerminal("sh", ["-c", "kill -TERM $$"]), 128 + 15);
  });

  it("fails for a program that is not there", async () => {
    const error = await assertRejects(() => runOnTerminal("/no/such/program", []));
    assertEquals((error as { code?: string }).code, "ENOENT");
  });

  it("ends it when the signal aborts", async () => {
    const stop = new AbortController();
    const running = assertRejects(() => runOnTerminal("sleep", ["600"], { signal: stop.signal }), Error, "enough");
    stop.abort(new Error("enough"));
    await running;
    await assertRejects(() => runOnTerminal("true", [], { signal: stop.signal }), Error, "enough");
  });
});
