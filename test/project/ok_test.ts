import { assertEquals } from "@std/assert";
import { it } from "node:test";
import { testFolders } from "../../tools/ok.ts";

it("deno task ok runs the tests of the rooms that are changed", () => {
  const changed = ["src/tar/reader.ts", "src/tar/mod.ts", "cli/flag.ts", "test/gcr/gc_test.ts", "mod.ts", "deno.json"];
  assertEquals(testFolders(changed), ["test/cli", "test/gcr", "test/tar"]);
  assertEquals(testFolders(["docs/mirror.md"]), ["test/e2e/guides_test.ts", "test/e2e/readme_test.ts"]);
  assertEquals(testFolders([]), []);
});
