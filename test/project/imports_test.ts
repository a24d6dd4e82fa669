import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { importsOf } from "./imports.ts";
import { tokens } from "./lexer.ts";

const specifiers = (source: string) => importsOf(source).map(({ specifier, kind }) => `${kind} ${specifier}`);
const names = (source: string) => tokens(source).filter(({ kind }) => kind === "name").map(({ value }) => value);

describe("importsOf", () => {
  it("sees every form", () => {
    assertEquals(
      specifiers(`
        import "./side_effect.ts";
        import a, { b as c, type D } from "./b.ts";
        import type { E } from './e.ts';
        import * as f from "./f.ts";
        export * from "./g.ts";
        export * as h from "./h.ts";
        export { i } from "./i.ts";
        export type { J } from "./j.ts";
        const k = await import("./k.ts");
        type L = typeof import("./l.ts");
        type M = import("./m.ts").M;
        const n = () => import("./n.ts").then((it) => it.n);
        import data from "./o.json" with { type: "json" };
        const p = import(name);
        import type from "./q.ts";
        import type, { r } from "./r.ts";
      `),
      [
        "static ./side_effect.ts",
        "static ./b.ts",
        "type ./e.ts",
        "static ./f.ts",
        "static ./g.ts",
        "static ./h.ts",
        "static ./i.ts",
        "type ./j.ts",
        "dynamic ./k.ts",
        "type ./l.ts",
        "type ./m.ts",
        "dynamic ./n.ts",
        "static ./o.json",
        "dynamic undefined",
        "static ./q.ts",
        "static ./r.ts",
      ],
    );
  });

  it("is not fooled by what only looks like one", () => {
    assertEquals(
      specifiers(`
        // import "./comment.ts";
        /** import { x } from "./doc.ts"; */
        const text = 'import "./text.ts"';
        const template = \`import "./template.ts" \${\`export * from "./inner.ts"\`}\`;
        export { local };
        export const from = "./constant.ts";
        export function copy(from: string) {}
        const url = import.meta.url;
        const loader = { import: "./property.ts" };
        const quotient = a / b; const pattern = /"import '.\\/regexp.ts/g;
      `),
      [],
    );
  });
});

describe("tokens", () => {
  it("sees the code inside a template", () => {
    assertEquals(names("`a ${b ? `${c}` : { d: '}' }.d} e` + f"), ["b", "c", "d", "d", "f"]);
  });

  it("tells a regular expression from a division", () => {
    assertEquals(names("const a = b / c / d; return /e'f/.test(g) || [/h`/, /[/i]/]; (j) / k"), [
      ..."const a b c d return test g j k".split(" "),
    ]);
  });

  it("leaves out comments and strings", () => {
    assertEquals(names(`a /* b */ "c" 'd\\'e' // f\n g`), ["a", "g"]);
  });
});
