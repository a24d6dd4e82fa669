import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFile, Running } from "../make/processes.ts";

const trial = "test/cli/trial_main.ts";

describe("the process", () => {
  it("exits with the code of the line", async () => {
    assertEquals((await runFile(trial, ["show", "a"])).code, 0);
    assertEquals((await runFile(trial, ["code"])).code, 3);
    assertEquals(await runFile(trial, ["fail", "missing"]), {
      code: 1,
      out: "",
      err: "Error: no image at example.com/a:b — gcrane ls example.com/a lists its tags\n",
    });
    assertEquals((await runFile(trial, ["shwo"])).code, 2);
  });

  it("copies megabytes from standard input to standard output", async () => {
    const input = "0123456789abcdef".repeat(200_000);
    const { code, out, err } = await runFile(trial, ["echo"], { input });
    assertEquals([code, out === input, err], [0, true, ""]);
  });

  it("prints every line before it ends", async () => {
    const { code, out } = await runFile(trial, ["lines", "20000"]);
    assertEquals([code, out.length, out.endsWith("line 19999\n")], [0, 208890, true]);
  });

  it("ends quietly with 0 when the reader of a pipe goes away", async () => {
    for (const command of ["flood", "pour", "trickle"]) {
      const running = new Running(trial, [command]);
      if (command === "trickle") {
        running.child.stdout.destroy();
        assertEquals([command, await running.ended(), running.err], [command, 0, ""]);
        continue;
      }
      await once(running.child.stdout, "data");
      running.child.stdout.destroy();
      assertEquals([command, await running.ended(), running.err], [command, 0, ""]);
    }
  });

  it("shows no stack trace for an error that nobody waited for", async () => {
    const { code, out, err } = await runFile(trial, ["stray"]);
    assertEquals([code, out, err], [1, "", "Error: internal error: nobody waits for this — please report\n"]);
  });
});

describe("a signal", () => {
  for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    it(`${signal} ends a command that heeds it with ${expected}`, async () => {
      const running = new Running(trial, ["heed"]);
      await running.says("ready\n");
      running.signal(signal);
      assertEquals([await running.ended(), running.out, running.err], [expected, "", "ready\n"]);
    });
  }

  it("ends a command that hangs, and leaves no temporary file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane_cli_"));
    try {
      const file = join(folder, "half");
      const running = new Running(trial, ["hang", file]);
      await running.says("ready\n");
      assertEquals(existsSync(file), true);
      running.signal("SIGINT");
      assertEquals([await running.ended(), running.err, existsSync(file)], [130, "ready\n", false]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
