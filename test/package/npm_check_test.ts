import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { faultsOfFiles } from "../../tools/npm_check.ts";

/** A small package without faults. */
const manifest = {
  main: "./lib/mod.js",
  bin: { gcrane: "bin/gcrane.cjs" },
  exports: {
    ".": { import: { types: "./lib/mod.d.ts", default: "./lib/mod.js" } },
    "./package.json": "./package.json",
  },
  dependencies: { hono: "^1.0.0" },
};
const files = {
  "package.json": JSON.stringify(manifest),
  "bin/gcrane.cjs": "",
  "lib/mod.js": `/* import "a comment" */ import{a}from"./chunk-A.js";import("hono/html");export{a};`,
  "lib/chunk-A.js": "",
  "lib/mod.d.ts": `export { type A } from "./src/a.js";\n`,
  "lib/src/a.d.ts": "",
};
const faults = (change: Record<string, string | undefined>) =>
  faultsOfFiles(
    new Map(
      Object.entries({ ...files, ...change }).flatMap(([path, text]) => text === undefined ? [] : [[path, text]]),
    ),
  );

describe("the check of a package's files", () => {
  it("finds nothing where all is there", () => assertEquals(faults({}), []));

  it("finds what does not belong there", () => {
    for (const path of ["test/a.js", "lib/test/a.d.ts", "lib/a.ts", "lib/src/a.pem", "src/package.json", "lib/a.key"]) {
      assertEquals(faults({ [path]: "{}" }), [`${path} does not belong into the package`]);
    }
  });

  it("finds what is named and not there", () => {
    assertEquals(faults({ "bin/gcrane.cjs": undefined }), ["package.json names bin/gcrane.cjs, which is not there"]);
    assertEquals(faults({ "lib/src/a.d.ts": undefined }), ["lib/mod.d.ts imports ./src/a.js, which is not there"]);
    assertEquals(faults({ "lib/chunk-A.js": undefined }), ["lib/mod.js imports ./chunk-A.js, which is not there"]);
  });

  it("compares the dependencies with the imports", () => {
    assertEquals(faults({ "lib/chunk-A.js": `import "deno-std/assert.js";` }), [
      "deno-std is imported, and no dependency",
    ]);
    assertEquals(faults({ "lib/mod.js": "" }), ["hono is a dependency, and not imported"]);
  });
});
