import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { anonymous, keychainFromPullSecrets, type KubernetesSecret } from "../../../src/authn/kubernetes/mod.ts";
import { AuthError } from "../../../src/errors.ts";
import { parseRepository } from "../../../src/name/mod.ts";

interface Case {
  secrets: KubernetesSecret[];
  target: string;
  ok: boolean;
  anonymous: boolean;
  config?: Record<string, string>;
}

type Outcome = Pick<Case, "ok" | "anonymous" | "config">;

async function outcome({ secrets, target }: Case): Promise<Outcome> {
  const { registry, path } = parseRepository(target);
  try {
    const found = await keychainFromPullSecrets(secrets).resolve({ registry: registry.name, repository: path });
    if (found === anonymous) return { ok: true, anonymous: true };
    const entries = Object.entries(await found.authorization());
    const config = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
    return { ok: true, anonymous: false, config };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return { ok: false, anonymous: false };
  }
}

/** What a line of the vectors expects; `auth` is an input there and not compared. */
function expectedOf({ ok, anonymous, config }: Case): Outcome {
  if (config === undefined) return { ok, anonymous };
  const { auth: _, ...rest } = config;
  return { ok, anonymous, config: Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== "")) };
}

describe("the vectors of pull secrets", () => {
  const lines = readFileSync(new URL("../../testdata/pull_secrets.jsonl", import.meta.url), "utf8").trim().split("\n");
  const cases = lines.map((line) => JSON.parse(line) as Case);

  it("has all of them", () => {
    assertEquals(cases.length, 560);
    assertEquals(cases.filter(({ config }) => config).length, 99);
    assertEquals(cases.filter(({ ok }) => !ok).length, 51);
  });

  it("finds for each what the vectors say", async () => {
    const wrong = [];
    for (const one of cases) {
      const [actual, expected] = [await outcome(one), expectedOf(one)];
      try {
        assertEquals(actual, expected);
      } catch {
        wrong.push({ ...one, actual });
      }
    }
    assertEquals(wrong, []);
  });
});
