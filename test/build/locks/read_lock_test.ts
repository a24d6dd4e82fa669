import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { readLock, readManifests } from "../../../src/build/locks/mod.ts";
import { LockError } from "../../../src/errors.ts";
import { projectFiles } from "../../make/project_files.ts";

const npm = JSON.stringify({ lockfileVersion: 3, packages: { "": {} } });
const bun = '{ "lockfileVersion": 1, "workspaces": { "": { "name": "a", }, }, "packages": {}, }';
const refusal = (contents: Record<string, unknown>, message: string) =>
  assertRejects(() => readLock(projectFiles(contents)), LockError, message);

describe("the lock of a project", () => {
  it("is the one that is there", async () => {
    assertEquals((await readLock(projectFiles({ "package.json": {}, "bun.lock": bun }))).manager, "bun");
  });

  it("is, of several, the one of package.json's packageManager, or the one that is named", async () => {
    const files = { "package-lock.json": npm, "bun.lock": bun };
    const read = (packageManager?: string, file?: string) =>
      readLock(projectFiles({ ...files, "package.json": { packageManager } }), { file });
    assertEquals((await read("bun@1.4.5")).file, "bun.lock");
    assertEquals((await read("npm@11.0.0")).file, "package-lock.json");
    assertEquals((await read("npm@11.0.0", "bun.lock")).file, "bun.lock");
    const error = await refusal(files, "there are several lock files: package-lock.json, bun.lock");
    assertEquals(error.hint?.includes("packageManager"), true);
  });

  it("that is not there is refused, also one that is named", async () => {
    const error = await refusal({ "package.json": {} }, "there is no lock file");
    assertEquals(error.hint?.includes("pnpm-lock.yaml"), true);
    await assertRejects(() => readLock(projectFiles({}), { file: "yarn.lock" }), LockError, "there is no yarn.lock");
    const named = projectFiles({ "other.lock": "" });
    await assertRejects(
      () => readLock(named, { file: "other.lock" }),
      LockError,
      "other.lock is not the name of a lock file",
    );
  });

  it("in Bun's binary form is refused with the command that writes the other", async () => {
    const error = await refusal({ "bun.lockb": new Uint8Array(4) }, "bun.lockb is Bun's older, binary lock file");
    assertEquals(error.hint?.includes("--save-text-lockfile"), true);
  });

  const forms: readonly [string, string, string, string][] = [
    ["pnpm-lock.yaml", "lockfileVersion: 5.4\n", 'has the version "5.4", and 6 and 9 are supported', "pnpm 8 or later"],
    [
      "pnpm-lock.yaml",
      "lockfileVersion: '9.0'\nimporters: {}\n",
      "has no entry for the project itself",
      "pnpm install",
    ],
    ["pnpm-lock.yaml", "a: [\n", "pnpm-lock.yaml is not YAML", ""],
    ["pnpm-lock.yaml", "- a\n", "is not a YAML mapping", ""],
    [
      "pnpm-lock.yaml",
      "lockfileVersion: '9.0'\nimporters:\n  ../x: {}\n",
      'the path "../x", which is not inside',
      "into the project",
    ],
    [
      "pnpm-lock.yaml",
      "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: 'link:../a', version: 'link:../a'}\n",
      'the path "../a", which is not inside',
      "into the project",
    ],
    ["bun.lock", '{ "lockfileVersion": 9 }', "has the version 9, and 0 to 2 are supported", "bun install"],
    ["bun.lock", '{ "lockfileVersion": 1 }', "has no entry for the project itself", "bun install"],
    [
      "bun.lock",
      '{ "lockfileVersion": 1, "workspaces": { "": {} }, "packages": { "a": ["../a@1.0.0", "", {}, ""] } }',
      'a package with the name "../a"',
      "",
    ],
    ["yarn.lock", "hono@1:\n  version\n", "yarn.lock has a line 2 that is not of a yarn.lock", "yarn install"],
    ["yarn.lock", '"../a@1":\n  version "1.0.0"\n', 'a package with the name "../a"', ""],
    ["yarn.lock", "__metadata:\n  version: 8\n", "has no entry for the project itself", "yarn install"],
  ];
  for (const [file, text, message, hint] of forms) {
    it(`${file} that ${message} is refused`, async () => {
      const error = await refusal({ "package.json": {}, [file]: text }, message);
      assertEquals((error.hint ?? "").includes(hint), true, error.hint);
    });
  }
});

describe("package.json files", () => {
  const folders = async (workspaces: unknown, ...present: string[]) => {
    const files = Object.fromEntries(present.map((folder) => [`${folder}/package.json`, {}]));
    return [...(await readManifests(projectFiles({ "package.json": { workspaces }, ...files }))).keys()];
  };

  it("are the root's and those of the workspaces that its patterns match", async () => {
    const all = ["apps/web", "packages/a", "packages/b", "packages/b/deep", "packages/node_modules/x", "tools"];
    assertEquals(await folders(undefined, ...all), [""]);
    assertEquals(await folders(["packages/*"], ...all), ["", "packages/a", "packages/b"]);
    assertEquals(await folders(["./packages/*/", "!packages/b"], ...all), ["", "packages/a"]);
    assertEquals(await folders(["packages/**"], ...all), ["", "packages/a", "packages/b", "packages/b/deep"]);
    assertEquals(await folders({ packages: ["{apps,tools}/*", "tools"] }, ...all), ["", "apps/web", "tools"]);
  });

  it("outside of the project are refused", async () => {
    await assertRejects(
      () => folders(["../other"]),
      LockError,
      'the workspace "../other", which is outside of the project',
    );
  });
});
