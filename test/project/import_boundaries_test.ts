import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  cloudViolations,
  honoViolations,
  importCycles,
  internalViolations,
  readTiers,
  roomOf,
  runtimeViolations,
  testFolderViolations,
  tierViolations,
  unmappedImports,
} from "./boundaries.ts";
import { exportedModules } from "./exports.ts";
import { packageSources, read, readJson, typescript } from "./tree.ts";

const tree = typescript();
const sources = packageSources(tree);
const tiers = readTiers(read("ARCHITECTURE.md"));
const files = (of: Record<string, string>) => new Map(Object.entries(of));

describe("import tiers", () => {
  // What the examples below speak of.
  const few = readTiers(`
# Architecture

\`\`\`rooms
errors, runtime
io, spec
name, authn
remote
mod.ts
gcr
cli
\`\`\`
`);

  it("hold", () => assertEquals(tierViolations(sources, tiers), []));

  it("are of the rooms that are there, each once", () => {
    assertEquals(tiers.flat().toSorted(), [...new Set([...sources.keys()].map(roomOf))].sort());
  });

  it("are read from the block of that name", () => {
    assertEquals(few.slice(0, 2), [["errors", "runtime"], ["io", "spec"]]);
    assertThrows(() => readTiers("```ts\nerrors, runtime\n```\n"), Error, "no block ```rooms");
  });

  it("allow what is to the left, through mod.ts", () => {
    const allowed = files({
      "src/io/a.ts": `import { x } from "../runtime/mod.ts"; import { e } from "../errors.ts"; import "./b.ts";`,
      "src/io/b.ts": "",
      "cli/commands/pull.ts": `import type { R } from "../../src/remote/mod.ts"; import("../../gcr/mod.ts");`,
      "src/remote/d.ts": `import { y } from "../image/internal.ts";`,
      "src/remote/c.ts": `import("../authn/google/mod.ts");`,
      "src/authn/google/d.ts": `import { a } from "../keychain.ts"; import { b } from "../../io/mod.ts";`,
      "mod.ts": `export * from "./src/name/mod.ts";`,
    });
    assertEquals(tierViolations(allowed, few), []);
  });

  it("refuse the rest", () => {
    const refused = files({
      "src/io/a.ts": `import { x } from "../spec/mod.ts";`,
      "src/io/b.ts": `import type { X } from "../name/mod.ts";`,
      "src/name/c.ts": `type Y = import("../spec/hash.ts").Y;`,
      "src/name/d.ts": `export { y } from "@gcrane/gcrane/spec"; import(y);`,
      "src/utils/e.ts": "",
      "gcr/list.ts": `export * from "../mod.ts";`,
      "src/runtime/f.ts": `import { E } from "../errors.ts";`,
      "src/remote/g.ts": `import "../authn/google/key.ts"; import "../name/deep/mod.ts";`,
    });
    assertEquals(tierViolations(refused, few), [
      'src/utils/e.ts: the room "utils" is in no tier',
      "src/io/a.ts: imports src/spec/mod.ts, a room of its own tier",
      "src/io/b.ts: imports src/name/mod.ts, which is to its right",
      "src/name/c.ts: imports src/spec/hash.ts past the room's mod.ts",
      "src/name/d.ts: imports @gcrane/gcrane/spec by the package's own name",
      "src/name/d.ts: a computed import(), which no rule can judge",
      "gcr/list.ts: imports mod.ts, and so loads everything",
      "src/runtime/f.ts: imports src/errors.ts, a room of its own tier",
      "src/remote/g.ts: imports src/authn/google/key.ts past the room's mod.ts",
      "src/remote/g.ts: imports src/name/deep/mod.ts past the room's mod.ts",
    ]);
  });
});

describe("internal entries", () => {
  it("are not exported", () => {
    assertEquals(internalViolations(sources, exportedModules().map(({ path }) => path)), []);
  });

  it("are found where they would be", () => {
    const wrong = files({ "src/io/mod.ts": `export { a } from "./internal.ts";`, "src/io/internal.ts": "" });
    assertEquals(internalViolations(wrong, ["src/io/mod.ts", "src/io/internal.ts"]), [
      "deno.json exports src/io/internal.ts",
      "src/io/mod.ts: imports src/io/internal.ts",
    ]);
  });
});

describe("files", () => {
  it("import no file in a ring", () => assertEquals(importCycles(sources), []));

  it("import packages that deno.json maps", () => {
    const mapped = Object.keys(readJson("deno.json").imports as Record<string, string>);
    assertEquals(unmappedImports(tree, [...mapped, "@gcrane/gcrane"]), []);
  });

  it("would be caught importing in a ring, types included", () => {
    const ring = files({
      "src/io/a.ts": `import "./b.ts";`,
      "src/io/b.ts": `export const lazy = () => import("./c.ts");`,
      "src/io/c.ts": `import type { A } from "./a.ts";`,
      "src/io/d.ts": `import "./a.ts";`,
    });
    assertEquals(importCycles(ring), ["src/io/a.ts -> src/io/b.ts -> src/io/c.ts -> src/io/a.ts"]);
  });

  it("would be caught importing what is not mapped", () => {
    const wrong = files({
      "src/io/a.ts": `import "left-pad"; import "@std/assert"; import "hono/jsx"; import "./b.ts";`,
    });
    assertEquals(unmappedImports(wrong, ["@std/assert", "hono"]), [
      "src/io/a.ts: imports left-pad, which deno.json does not map",
    ]);
  });
});

describe("the runtime", () => {
  it("is named in src/runtime alone", () => assertEquals(runtimeViolations(sources), []));

  it("would be caught elsewhere", () => {
    const wrong = files({
      "src/io/a.ts":
        `// Deno in a comment\nconst text = "Bun in a text", own = task.process;\nglobalThis.Deno; Bun.file;`,
      "src/io/b.ts": `process.exit(1); const os = process.getBuiltinModule("node:os"); type B = Buffer;`,
      "src/runtime/c.ts":
        `import type { Readable } from "node:stream"; import { readFileSync } from "node:fs"; Deno.exit();`,
      "src/tar/d.ts": `const flags = { require: { Buffer: 1 }, process: 2 }; const { Deno: deno } = globalThis;`,
      "cli/main.ts": `const fs = await import("node:fs");`,
    });
    assertEquals(runtimeViolations(wrong), [
      "src/io/a.ts: names Deno",
      "src/io/a.ts: names Bun",
      "src/io/b.ts: names process",
      "src/io/b.ts: names process",
      "src/io/b.ts: names node:os",
      "src/io/b.ts: names Buffer",
      "src/runtime/c.ts: static node:fs",
      "src/tar/d.ts: names Deno",
      "cli/main.ts: names node:fs",
    ]);
  });
});

describe("hono", () => {
  it("is imported in src/registry alone, and not reached from mod.ts", () => assertEquals(honoViolations(sources), []));

  it("would be caught elsewhere", () => {
    const wrong = files({
      "mod.ts": `export * from "./src/crane/mod.ts";`,
      "src/crane/mod.ts": `export const serve = () => import("../registry/mod.ts");`,
      "src/registry/mod.ts": `import { Hono } from "hono";`,
      "cli/main.ts": `import { jsx } from "hono/jsx";`,
    });
    assertEquals(honoViolations(wrong), [
      "cli/main.ts: imports hono/jsx",
      "mod.ts reaches src/registry/mod.ts",
    ]);
  });
});

describe("a cloud's keychain", () => {
  it("is loaded by who asks for it alone", () => assertEquals(cloudViolations(sources), []));

  it("would be caught elsewhere", () => {
    const wrong = files({
      "mod.ts": `export * from "./src/authn/mod.ts";`,
      "src/authn/mod.ts": `export * from "./default.ts";`,
      "src/authn/default.ts": `export { google } from "./google/mod.ts";`,
      "src/authn/google/mod.ts": "",
    });
    assertEquals(cloudViolations(wrong), [
      "mod.ts reaches src/authn/google/mod.ts",
      "src/authn/mod.ts reaches src/authn/google/mod.ts",
    ]);
  });
});

describe("a folder of tests", () => {
  it("imports from no other but the shared ones", () => assertEquals(testFolderViolations(tree), []));

  it("would be caught doing so", () => {
    const wrong = files({
      "test/io/a_test.ts": `import "./b.ts"; import "../make/bytes.ts"; import "../../src/io/mod.ts";`,
      "test/gcr/deep/c_test.ts": `import "../d.ts"; import "../../io/b.ts";`,
      "test/make/e.ts": `import "../fakes/mod.ts"; import type { D } from "../gcr/d.ts";`,
    });
    assertEquals(testFolderViolations(wrong).map((line) => line.split(": what")[0]), [
      "test/gcr/deep/c_test.ts: imports test/io/b.ts",
      "test/make/e.ts: imports test/gcr/d.ts",
    ]);
  });
});
