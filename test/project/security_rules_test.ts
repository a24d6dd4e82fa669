import { assertEquals } from "@std/assert";
import { it } from "node:test";
import { projectFiles, read } from "./tree.ts";

/** The numbers in the first column of the tables in docs/security.md. */
function rules(): number[] {
  return [...read("docs/security.md").matchAll(/^\| +(\d+) +\|/gm)].map(([, number]) => Number(number));
}

/** The numbers of rules in the titles of tests and suites. */
function testedRules(source: string): number[] {
  const titles = source.matchAll(/\b(?:describe|it|test|peerIt|describePeer)\(\s*(["'`])(.*?)\1/gs);
  return [...titles].flatMap(([, , title]) =>
    [...title.matchAll(/\brule (\d+)\b/g)].map(([, number]) => Number(number))
  );
}

it("a test holds each security rule, and names its number", () => {
  const tests = projectFiles().filter((path) => path.endsWith("_test.ts"));
  const tested = new Set(tests.flatMap((path) => testedRules(read(path))));
  assertEquals(rules().toSorted((a, b) => a - b), Array.from({ length: 26 }, (_, i) => i + 1));
  assertEquals(rules().filter((rule) => !tested.has(rule)), []);
});

it("the number of a rule counts in a title alone", () => {
  assertEquals(testedRules(`// rule 1\nit("is so (rule 2)", () => {}); describe(\n  "security rule 13: x", f);`), [
    2,
    13,
  ]);
});
