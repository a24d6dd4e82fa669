import { readFileSync } from "node:fs";
import { join } from "node:path";
import { markdownTable } from "../make/markdown_table.ts";
import type { Outcomes } from "../make/outcomes.ts";
import { top } from "../project/tree.ts";
import { clients, needsFiles, places, programNames } from "./places.ts";

/** Writes the document of the programs and places, from how the programs ended. */
export function tableText(found: ReadonlyMap<string, Outcomes>): string {
  const rows = programNames.map((program) => [
    `[${program}](../test/package/programs/${program}.ts)`,
    ...places.map(({ name, files }) => {
      if (needsFiles(program) && !files) return "–";
      return found.get(name)?.[program] === "done" ? "✓" : "✗";
    }),
  ]);
  return `# Runtimes

The programs in \`test/package/programs\` use the npm package as users do: they run against its tarball, installed, and
bundled for Workers and browsers, with two registries on 127.0.0.1. ✓ stands for a program that ran there and found what
it expects, – for one that needs files where there are none. \`test/package/programs_test.ts\` runs all of them and
compares this table; \`deno task runtimes\` writes it.

${markdownTable([["Program", ...places.map(({ name }) => name)], ...rows])}
${programNames.map((program) => `- ${program}: ${purpose(program)}`).join("\n")}

A page that asks for a digest loads before the first answer, minified and compressed with gzip, at most:

${Object.values(clients).map(({ title, largest }) => `- with ${title} ${largest / 1000} kB`).join("\n")}
`;
}

/** Returns what a program does: the first sentence of its doc comment. */
function purpose(program: string): string {
  const text = readFileSync(join(top, "test/package/programs", `${program}.ts`), "utf8");
  return /^\/\*\* (.*) \*\/$/m.exec(text)![1];
}
