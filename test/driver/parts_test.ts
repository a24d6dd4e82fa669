import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inFolder } from "../make/folders.ts";
import { denoOnly } from "../project/applicable.ts";
import { JOBS, partsOf, sideBySide, testFiles } from "./parts.ts";

describe("the parts of a suite", { skip: denoOnly() }, () => {
  it("are of the test files of all paths, each once", () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, "a/b"), { recursive: true });
      const [outer, inner] = [join(folder, "a/outer_test.ts"), join(folder, "a/b/inner_test.ts")];
      for (const path of [outer, inner, join(folder, "a/other.ts")]) writeFileSync(path, "");
      assertEquals(await testFiles([outer, `${folder}/a/`, join(folder, "a/b")]), [inner, outer]);
    }));

  it("have every file once, in order", () => {
    const files = Array.from({ length: 25 }, (_, i) => `${i}`);
    const parts = partsOf(files);
    assertEquals(parts.flat(), files);
    assertEquals(parts.map((part) => part.length), [10, 10, 5]);
    assertEquals(partsOf([]), []);
  });

  it("run side by side, no more than there are processors for", async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await sideBySide(Array.from({ length: 10 }, (_, i) => i), async (item, index) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      done.push(item);
      assertEquals(item, index);
    });
    assert(most <= JOBS);
    assertEquals(done.sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
