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

const SHA512 = /@(sha512:[0-9a-f]{128})$/;
const lines = readFileSync(new URL("../testdata/references.jsonl", import.meta.url), "utf8").trim().split("\n");
const cases = lines.map((line) => JSON.parse(line) as Case);

describe("the vectors of references", () => {
  it("has all of them", () => {
    assertEquals(cases.length, 1477);
    assertEquals(cases.filter((it) => it.ok).length, 512);
  });

  it("parses each as the vectors say, but for sha512, which their author refuses", () => {
    const wrong = cases
      .filter(({ in: text }) => !SHA512.test(text))
      .map((expected) => {
        const { in: text, strict, insecure } = expected;
        const input = insecure === undefined ? { in: text, strict } : { in: text, strict, insecure };
        return { expected, actual: { ...input, ...answer(expected) } };
      })
      .filter(({ expected, actual }) => JSON.stringify(sorted(expected)) !== JSON.stringify(sorted(actual)));
    assertEquals(wrong, []);
  });
});

describe("a vector with a sha512", () => {
  it("is read as the same name with a sha256 is", () => {
    const texts = cases.filter(({ in: text }) => SHA512.test(text));
    assertEquals(texts.length > 50, true);
    const hex = "0".repeat(64);
    for (const one of texts) {
      const digest = SHA512.exec(one.in)![1];
      const same = JSON.stringify(answer({ ...one, in: one.in.replace(digest, `sha256:${hex}`) }));
      assertEquals(JSON.stringify(answer(one)), same.replaceAll(`sha256:${hex}`, digest), one.in);
    }
  });
});

function sorted(value: object): unknown[] {
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
}
