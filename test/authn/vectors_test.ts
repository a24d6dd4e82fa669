import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { anonymous, type DockerConfig, dockerConfigKeychain } from "../../src/authn/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";

interface Case {
  config: DockerConfig;
  target: string;
  ok: boolean;
  anonymous?: boolean;
  auth?: Record<string, string>;
}

describe("the vectors of docker configs", () => {
  const lines = readFileSync(new URL("../testdata/docker_config.jsonl", import.meta.url), "utf8").trim().split("\n");
  const cases = lines.map((line) => JSON.parse(line) as Case);

  it("has all of them", () => {
    assertEquals(cases.length, 296);
    assertEquals(cases.filter((it) => it.auth).length, 84);
  });

  it("finds for each what the vectors say", async () => {
    const wrong = [];
    for (const { config, target, ...expected } of cases) {
      const { registry, path } = parseRepository(target);
      const found = await dockerConfigKeychain(config).resolve({ registry: registry.name, repository: path });
      const entries = Object.entries(await found.authorization());
      const actual = found === anonymous
        ? { anonymous: true, ok: true }
        : { auth: Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value])), ok: true };
      try {
        assertEquals<unknown>(actual, expected);
      } catch {
        wrong.push({ config, target, expected, actual });
      }
    }
    assertEquals(wrong, []);
  });
});
