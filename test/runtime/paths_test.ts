import { assertEquals } from "@std/assert";
import * as path from "node:path";
import { describe, it } from "node:test";
import { runProgram } from "../make/runtime_programs.ts";
import { baseName, dirName, joinPath, pathSeparator, resolvePath } from "../../src/runtime/mod.ts";

const paths = [
  "",
  ".",
  "..",
  "/",
  "//",
  "a",
  "a/",
  "/a",
  "/a/",
  "a/b",
  "a//b",
  "a/./b",
  "a/../b",
  "../a",
  "../../a",
  "a/..",
  "a/../..",
  "/..",
  "/../a",
  "/a/b/../c/./d",
  "a/b/",
  "./a",
  "a/.b",
  ".a",
  "/a//",
  "//a//b//",
  "ü/ö",
  "a b/c",
];

/** Ours never end with a separator, unless they are the root. */
function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") || "/" : path;
}

describe("paths", () => {
  it("are joined and split as node does", () => {
    assertEquals(pathSeparator(), path.sep);
    for (const a of paths) {
      assertEquals(dirName(a), trimmed(path.dirname(a)), `dirName(${a})`);
      assertEquals(baseName(a), path.basename(a), `baseName(${a})`);
      assertEquals(resolvePath(a), path.resolve(a), `resolvePath(${a})`);
      for (const b of paths) {
        assertEquals(joinPath(a, b), trimmed(path.join(a, b)), `joinPath(${a}, ${b})`);
        assertEquals(resolvePath(a, b), path.resolve(a, b), `resolvePath(${a}, ${b})`);
      }
    }
  });
});

describe("paths on Windows", () => {
  it("know drives, shares and both separators", async () => {
    const result = await runProgram("windows_paths.ts");
    assertEquals(result.stderr, "");
    assertEquals(result.stdout, "checked");
  });
});
