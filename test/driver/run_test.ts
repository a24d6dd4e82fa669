import { after, before, describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { denoOnly } from "../project/applicable.ts";
import { top } from "../project/tree.ts";

describe("test/run.ts", { skip: denoOnly() }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "gcrane_driver_"));
    const head = `import { describe, it } from "node:test";\n`;
    writeFileSync(
      join(folder, "good_test.ts"),
      `${head}describe("good", () => { it("a", () => {}); it("b", () => {}); });`,
    );
    writeFileSync(join(folder, "skip_test.ts"), `${head}it("later [peer absent: x]", { skip: true }, () => {});`);
    writeFileSync(join(folder, "bad_test.ts"), `${head}it("bad", () => { throw new Error("on purpose"); });`);
    writeFileSync(join(folder, "broken_test.ts"), `throw new Error("at the top");`);
  });
  after(() => rmSync(folder, { recursive: true }));

  function drive(...args: string[]): { code: number | null; output: string; last: string | undefined } {
    const { status, stdout } = spawnSync(process.execPath, ["run", "--allow-all", "test/run.ts", ...args], {
      cwd: top,
      encoding: "utf8",
    });
    return { code: status, output: stdout, last: stdout.trimEnd().split("\n").at(-1) };
  }

  it("sums up what passed and was skipped", () => {
    const { code, output, last } = drive("--deno", join(folder, "good_test.ts"), join(folder, "skip_test.ts"));
    assertEquals([code, last], [0, "2 passed, 0 failed, 1 skipped"]);
    assertStringIncludes(output, "skipped: later [peer absent: x]");
  });

  it("sums up parts that run side by side", () => {
    const many = join(folder, "many");
    mkdirSync(many);
    for (let i = 0; i < 12; i++) {
      const test = i === 3 ? `it("three", () => { throw new Error("on purpose"); });` : `it("${i}", () => {});`;
      writeFileSync(join(many, `f${i}_test.ts`), `import { it } from "node:test";\n${test}`);
    }
    const { code, output, last } = drive("--deno", many, join(folder, "good_test.ts"));
    assertEquals([code, last], [1, "13 passed, 1 failed"]);
    assertEquals(
      output.match(/^=== Deno, part . of 2(?=: \d+ s$)/gm)?.sort(),
      [1, 2].map((n) => `=== Deno, part ${n} of 2`),
    );
    assertStringIncludes(output, "Deno: three\n    Error: on purpose");
  });

  it("fails with the names of what it has no time for", () => {
    const { code, output, last } = drive("--deno", "--minutes", "0.00001", join(folder, "good_test.ts"));
    assertEquals([code, last], [1, "0 passed, 1 failed"]);
    assertStringIncludes(output, `not run, as 0.00001 minutes were over: ${join(folder, "good_test.ts")}`);
  });

  it("fails where there is nothing to run", () => {
    assertEquals(drive("--deno", join(folder, "none_test.ts")).last, "0 passed, 1 failed");
    assertEquals(drive("--deno", "test/testdata").last, "0 passed, 1 failed");
  });

  it("fails with a test, and says which", () => {
    const { code, output, last } = drive("--deno", join(folder, "good_test.ts"), join(folder, "bad_test.ts"));
    assertEquals([code, last], [1, "2 passed, 1 failed"]);
    assertStringIncludes(output, "Deno: bad\n    Error: on purpose");
  });

  it("fails with an error outside of a test", () => {
    const { code, output, last } = drive("--deno", join(folder, "broken_test.ts"));
    assertEquals([code, last], [1, "0 passed, 1 failed"]);
    assertStringIncludes(output, "exited 1 for an error outside of a test");
  });

  it("knows its flags", () => assertEquals(drive("--nonsense").code, 2));
});
