import { assertEquals, assertRejects } from "@std/assert";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { directoryFiles } from "../../src/build/mod.ts";
import { FileError } from "../../src/errors.ts";

describe("the files of a directory", () => {
  // The kernel lists the descriptor that reads the folder, which is closed before the entries are looked at.
  const skip = existsSync("/proc/self/fd") ? false : "not applicable: needs /proc";

  it("are listed without one that is removed in the meantime", { skip }, async () => {
    const files = await directoryFiles("/proc/self");
    const paths = (await files.list("fd")).map(({ path }) => path);
    assertEquals(paths.includes("fd/0"), true);
    assertEquals(await files.read("fd/no-such-file"), undefined);
  });

  it("are not listed without one whose name is not UTF-8", async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane_files_"));
    try {
      execFileSync("sh", ["-c", 'touch "$(printf "$0/\\377\\376")"', folder], { stdio: "ignore" });
    } catch {
      rmSync(folder, { recursive: true });
      return test.skip("this file system has only names in UTF-8");
    }
    try {
      const files = await directoryFiles(folder);
      await assertRejects(() => files.list(""), FileError, "its name is not UTF-8");
    } finally {
      execFileSync("rm", ["-r", folder]); // the runtimes' file functions take no such name
    }
  });
});
