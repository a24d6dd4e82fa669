import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { processChanges } from "./process_changes.ts";
import { typescript } from "./tree.ts";

describe("tests", () => {
  it("do not change their process: the environment is an argument, or that of a child process", () => {
    const tests = [...typescript()].filter(([path]) => path.startsWith("test/"));
    const found = tests.flatMap(([path, source]) => processChanges(source).map((change) => `${path}: ${change}`));
    assertEquals(found, []);
  });

  it("would be caught if they did", () => {
    // In parts, so that this file does not match itself.
    const [env, folder, mask] = ["process" + ".env", "chd" + "ir", "uma" + "sk"];
    const changes = [
      `${env}.PATH = `,
      `${env}.PATH += `,
      `${env}["PATH"] ??= `,
      `${env} = `,
      `delete ${env}`,
      `Object.assign(${env}`,
      `Reflect.set(${env}`,
      `${"Bun" + ".env"}.PATH = `,
      `${"Deno" + ".env"}.set(`,
      `${"Deno" + ".env"}.delete(`,
      `${folder}(`,
      `${mask}(0`,
    ].map((change) => change.trim());
    assertEquals(processChanges(changes.map((change) => `  ${change} "x");\n`).join("")), changes);
  });

  it("may read all of it", () => {
    const source = `
if (${"process"}.env.PATH === path || ${"process"}.env["CI"] == null) return { env: { ...${"process"}.env, PATH: path } };
const before = ${"process"}.env.PATH;
const { HOME } = ${"process"}.env, mode = 0o666 & ~process.umask();
Deno.env.get("PATH");
`;
    assertEquals(processChanges(source), []);
  });
});
