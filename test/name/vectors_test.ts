import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { NameError } from "../../src/errors.ts";
import { parseReference, pullScope } from "../../src/name/mod.ts";

interface Case {
  in: string;
  strict: boolean;
  insecure?: boolean;
  ok: boolean;
}

/** What our parser makes of a case, in the words of the vectors. */
function answer({ in: text, strict, insecure }: Case): Record<string, unknown> {
  try {
    const reference = parseReference(text, { validation: strict ? "strict" : "weak", insecure });
    const { kind, identifier, name } = reference;
    const registry = reference.registry.name;
    const repository = reference.repository.path;
    const scheme = reference.registry.schemes.includes("http") ? "http" : "https";
    const pull = pullScope(reference.repository);
    return { ok: true, kind, registry, repository, identifier, name, string: `${reference}`, scheme, pullScope: pull };
  } catch (error) {
    if (error instanceof NameError) return { ok: false };
    throw error;
  }
}

describe("the vectors of references", () => {
  const lines = readFileSync(new URL("../testdata/references.jsonl", import.meta.url), "utf8").trim().split("\n");
  const cases = lines.map((line) => JSON.parse(line) as Case);

  it("has all of them", () => {
    assertEquals(cases.length, 1477);
    assertEquals(cases.filter((it) => it.ok).length, 512);
  });

  it("parses each as the vectors say", () => {
    const wrong = cases
      .map((expected) => {
        const { in: text, strict, insecure } = expected;
        const input = insecure === undefined ? { in: text, strict } : { in: text, strict, insecure };
        return { expected, actual: { ...input, ...answer(expected) } };
      })
      .filter(({ expected, actual }) => JSON.stringify(sorted(expected)) !== JSON.stringify(sorted(actual)));
    assertEquals(wrong, []);
  });
});

function sorted(value: object): unknown[] {
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
}
