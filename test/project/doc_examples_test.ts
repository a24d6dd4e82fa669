import { after, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { programWords } from "../make/processes.ts";
import { docExamples, type Example, markdownExamples, moduleDoc } from "./examples.ts";
import { exportedModules } from "./exports.ts";
import { documents, packageSources, read, top, typescript } from "./tree.ts";

const run = promisify(execFile);
describe("every exported module", () => {
  for (const { path } of exportedModules()) {
    it(`describes itself, with an example: ${path}`, () => {
      const doc = moduleDoc(read(path));
      assert(doc !== undefined, `${path} has no doc comment with @module`);
      assert(/@example\b/.test(doc), `the @module comment of ${path} has no @example`);
      assertEquals(docExamples(path, doc).length > 0, true, `the example of ${path} is in no \`\`\`ts fence`);
    });
  }
});

describe("examples run", () => {
  const examples: Example[] = [...packageSources(typescript())].flatMap(([path, source]) => docExamples(path, source));
  for (const path of documents()) examples.push(...markdownExamples(path, read(path)));

  // Inside of the checkout, as there the package finds itself by its name.
  mkdirSync(`${top}.examples`, { recursive: true });
  const folder = mkdtempSync(`${top}.examples/run_`);
  after(() => rmSync(folder, { recursive: true }));

  for (const [index, { place, code }] of examples.entries()) {
    it(place, { timeout: 60_000 }, async () => {
      writeFileSync(`${folder}/example_${index}.ts`, code);
      // Imported, as Bun would serve the default export of the program itself.
      const file = `${folder}/import_${index}.ts`;
      writeFileSync(file, `import "./example_${index}.ts";\n`);
      const [command, ...words] = programWords(file);
      await run(command, words, { cwd: folder, timeout: 50_000 });
    });
  }
});

describe("the search for examples", () => {
  it("finds fences in doc comments and Markdown, with their lines", () => {
    const source = [
      "/** One line. */",
      "export const a = 1;",
      "",
      "/**",
      " * Text.",
      " *",
      " * @example",
      " * ```ts",
      ' * import { a } from "x";',
      " *",
      " *   a(); // indented",
      " * ```",
      " *",
      " * ```sh",
      " * not this",
      " * ```",
      " * @module",
      " */",
    ].join("\n");
    const code = 'import { a } from "x";\n\n  a(); // indented\n';
    assertEquals(docExamples("m.ts", source), [{ place: "m.ts:8", code }]);
    assertEquals(markdownExamples("R.md", "# T\n\n```ts\na();\n```\n```json\n{}\n```\n```ts\nb();\n```\n"), [
      { place: "R.md:3", code: "a();\n" },
      { place: "R.md:9", code: "b();\n" },
    ]);
    assertEquals(moduleDoc(source)?.startsWith("/**\n * Text."), true);
    assertEquals(moduleDoc("/** No module. */"), undefined);
  });
});
