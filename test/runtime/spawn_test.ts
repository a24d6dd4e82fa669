import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import { joinPath, remove, runCommand, temporaryDirectory } from "../../src/runtime/mod.ts";
import { until } from "../make/waiting.ts";

const codeOf = async (promise: Promise<unknown>) => (await assertRejects(() => promise) as { code: string }).code;

/** Whether a process lives. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("runCommand", () => {
  it("gives the exit code and both outputs", async () => {
    const result = await runCommand("sh", ["-c", "echo out; echo err >&2; exit 3"]);
    assertEquals(result, { code: 3, stdout: "out\n", stderr: "err\n" });
  });

  it("sends the input, text or bytes, and ends it", async () => {
    assertEquals((await runCommand("cat", [], { input: "grüße" })).stdout, "grüße");
    assertEquals((await runCommand("cat", [], { input: new Uint8Array([104, 105]) })).stdout, "hi");
    assertEquals((await runCommand("cat", [])).stdout, "");
  });

  it("does not mind a program that does not read its input", async () => {
    assertEquals((await runCommand("true", [], { input: "x".repeat(1 << 20) })).code, 0);
  });

  it("starts no shell and passes arguments as they are", async () => {
    const args = ["%s|", "$HOME", "a b", "`id`", "*"];
    assertEquals((await runCommand("printf", args)).stdout, "$HOME|a b|`id`|*|");
  });

  it("adds to the environment", async () => {
    const result = await runCommand("sh", ["-c", 'echo "$EXTRA $PATH"'], { env: { EXTRA: "x" } });
    assertEquals(result.stdout, `x ${process.env.PATH}\n`);
  });

  it("tells which signal ended it", async () => {
    assertEquals((await runCommand("sh", ["-c", "kill -TERM $$"])).code, 128 + 15);
  });

  it("fails where there is no such program", async () => {
    assertEquals(await codeOf(runCommand("gcrane-no-such-program", [])), "ENOENT");
  });

  it("kills what takes too long, what is aborted and what writes too much", async () => {
    const directory = await temporaryDirectory();
    try {
      const script = 'echo $$ > "$0.new"; mv "$0.new" "$0"; exec sleep 1000';
      const late = joinPath(directory, "late");
      assertEquals(await codeOf(runCommand("sh", ["-c", script, late], { timeoutMs: 300 })), "ETIMEDOUT");

      const aborted = joinPath(directory, "aborted");
      const controller = new AbortController();
      const running = runCommand("sh", ["-c", script, aborted], { signal: controller.signal });
      running.catch(() => {});
      await until(() => fs.existsSync(aborted));
      const reason = new Error("enough");
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => running), reason);

      const flood = `echo $$ > "$0"; exec yes`;
      const wordy = joinPath(directory, "wordy");
      assertEquals(await codeOf(runCommand("sh", ["-c", flood, wordy])), "OUTPUT_LIMIT");
      const loud = joinPath(directory, "loud");
      assertEquals(await codeOf(runCommand("sh", ["-c", `${flood} >&2`, loud], { maxOutput: 10 })), "OUTPUT_LIMIT");

      for (const path of [late, aborted, wordy, loud]) {
        if (!fs.existsSync(path)) continue;
        const pid = Number(fs.readFileSync(path, "utf8"));
        await until(() => !isAlive(pid));
      }
    } finally {
      await remove(directory, { recursive: true });
    }
  });

  it("does not wait for a grandchild that keeps the pipes when the time is over", async () => {
    const error = await codeOf(runCommand("sh", ["-c", "sleep 3 & exec sleep 1000"], { timeoutMs: 100 }));
    assertEquals(error, "ETIMEDOUT");
  });

  it("fails at once where it is aborted from the start", async () => {
    const reason = new Error("enough");
    const running = runCommand("true", [], { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await assertRejects(() => running), reason);
  });

  it("takes exactly as much output as allowed", async () => {
    const result = await runCommand("head", ["-c", "65536", "/dev/zero"]);
    assert(result.stdout.length === 65536);
  });
});
