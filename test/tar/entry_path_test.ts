import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import { cleanEntryPath } from "../../src/tar/mod.ts";

describe("cleanEntryPath", () => {
  const CLEAN: Record<string, string> = {
    "a": "a",
    "a/b": "a/b",
    "./a": "a",
    "././a": "a",
    "/a/b": "a/b",
    "///a//b///": "a/b",
    "a/./b/.": "a/b",
    "./": "",
    "/": "",
    ".": "",
    "": "",
    "..a/b../...": "..a/b../...",
    "a\\b": "a\\b",
    "dir/c:/x": "dir/c:/x",
    "é/🐋": "é/🐋",
    ".wh..wh..opq": ".wh..wh..opq",
  };
  for (const [path, clean] of Object.entries(CLEAN)) {
    it(`makes ${JSON.stringify(clean)} of ${JSON.stringify(path)}`, () => assertEquals(cleanEntryPath(path), clean));
  }

  const REFUSED: Record<string, string> = {
    "..": 'has a ".." in its name',
    "../a": 'has a ".." in its name',
    "a/../b": 'has a ".." in its name',
    "a/..": 'has a ".." in its name',
    "/../a": 'has a ".." in its name',
    "a\\..\\..\\b": 'has a ".." in its name',
    "..\\a": 'has a ".." in its name',
    "\\a": "has a name that starts with a backslash",
    "./\\a": "has a name that starts with a backslash",
    "\\\\host\\share": "has a name that starts with a backslash",
    "C:\\a": "has a name that starts with a drive letter",
    "c:a": "has a name that starts with a drive letter",
    "/./c:/a": "has a name that starts with a drive letter",
    "a\0b": "has a NUL in its name",
  };
  for (const [path, message] of Object.entries(REFUSED)) {
    it(`refuses ${JSON.stringify(path)}`, () => {
      assertThrows(() => cleanEntryPath(path), TarError, `tar entry ${JSON.stringify(path)} ${message}`);
    });
  }
});
