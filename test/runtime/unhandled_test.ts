import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { runProgram } from "../make/runtime_programs.ts";

const heard = JSON.stringify(["rejected", "no error at all", "thrown"]);

describe("an error that nobody waits for", () => {
  it("is heard of, and does not end the program", async () => {
    assertEquals(await runProgram("unhandled.ts"), { code: 0, stdout: heard, stderr: "" });
  });

  it("is not heard of when the listening is undone", async () => {
    const { code, stdout } = await runProgram("unhandled.ts", ["undo"]);
    // Some runtimes end the program there.
    assertEquals(stdout, code === 0 ? `${heard} and then 0` : heard);
  });
});
