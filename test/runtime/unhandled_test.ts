import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { runProgram } from "./programs.ts";

const heard = JSON.stringify(["rejected", "no error at all", "thrown"]);

describe("an error that nobody waits for", () => {
  it("is heard of, and does not end the program", async () => {
    assertEquals(await runProgram("unhandled.ts"), { code: 0, stdout: heard, stderr: "" });
  });

  it("ends the program as ever when the listening is undone", async () => {
    const { code, stdout, stderr } = await runProgram("unhandled.ts", ["undo"]);
    assertEquals([code, stdout], [1, heard]);
    assertStringIncludes(stderr, "not heard of");
  });
});
