import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { ambiguousNames, declarationsOf, exportedModules } from "./exports.ts";
import { packageSources, typescript } from "./tree.ts";

describe("the exports of the package", () => {
  it("have one meaning a name", () => {
    const sources = packageSources(typescript());
    assertEquals(ambiguousNames(exportedModules().map(({ path }) => path), sources), []);
  });
});

describe("the search for exports", () => {
  const sources = new Map([
    ["a.ts", "export interface A {}\nexport async function f() { }\nexport abstract class C {}\nexport type T = A;\n"],
    [
      "b/mod.ts",
      'export { type A, f as g } from "../a.ts";\nexport * from "./more.ts";\nexport * as all from "../a.ts";',
    ],
    ["b/more.ts", "export const f = 1;\nconst hidden = { export: 1 }.export;\n"],
  ]);

  it("follows names to where they are declared", () => {
    assertEquals([...declarationsOf("a.ts", sources).keys()], ["A", "f", "C", "T"]);
    assertEquals(Object.fromEntries(declarationsOf("b/mod.ts", sources)), {
      A: "a.ts#A",
      g: "a.ts#f",
      f: "b/more.ts#f",
      all: "a.ts#*",
    });
  });

  it("finds names with two meanings, and no others", () => {
    assertEquals(ambiguousNames(["a.ts", "b/mod.ts"], sources), ["f: a.ts#f, b/more.ts#f"]);
  });
});
