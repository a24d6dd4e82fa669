import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { directoryFiles } from "../../src/build/mod.ts";

describe("the files of a directory", () => {
  // The kernel lists the descriptor that reads the folder, which is closed before the entries are looked at.
  const skip = existsSync("/proc/self/fd") ? false : "not applicable: needs /proc";

  it("are listed without one that is removed in the meantime", { skip }, async () => {
    const files = await directoryFiles("/proc/self");
    const paths = (await files.list("fd")).map(({ path }) => path);
    assertEquals(paths.includes("fd/0"), true);
    assertEquals(await files.read("fd/no-such-file"), undefined);
  });
});
