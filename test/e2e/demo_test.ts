import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { it } from "node:test";
import { runFile } from "../make/processes.ts";
import { denoOnly } from "../project/applicable.ts";

// `deno task demo` is Deno's by its name.
it("the demo shows the main job from end to end", { timeout: 120_000, skip: denoOnly() }, async () => {
  const { code, out, err } = await runFile("test/e2e/demo.ts", []);
  assertEquals([code, err], [0, ""], out);
  const commands = out.split("\n").filter((line) => line.startsWith("$ gcrane ")).map((line) => line.split(" ")[2]);
  assertEquals(
    [...new Set(commands)].sort(),
    ["append", "catalog", "copy", "digest", "export", "ls", "pull", "registry", "validate"],
  );
  assertEquals(out.split("\n").filter((line) => line.startsWith("PASS: ")).length, 3);
  assertStringIncludes(out, "srv/cli/command.ts\n");
  assertMatch(out, /\nDone: the copy has the digest that was pushed/);
});
