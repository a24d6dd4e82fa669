import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { readLock } from "../../../src/build/locks/mod.ts";
import { LockError } from "../../../src/errors.ts";
import { unresolved } from "../../make/lock_resolution.ts";
import { projectFiles } from "../../make/project_files.ts";

const integrity = "sha512-" + "A".repeat(86) + "==";

/** The lock of a project with two workspaces, of which one needs another version of a package. */
const packages = {
  "": {
    name: "shop",
    version: "1.0.0",
    workspaces: ["packages/*"],
    dependencies: { hono: "^4.6.0", ms2: "npm:ms@2.0.0", sharp: "0.33.5" },
    devDependencies: { typescript: "5.6.3" },
    optionalDependencies: { fsevents: "2.3.3" },
  },
  "node_modules/@img/sharp-linux-x64": {
    version: "0.33.5",
    integrity,
    os: ["linux"],
    cpu: ["x64"],
    libc: ["glibc"],
    optional: true,
  },
  "node_modules/@shop/a": { resolved: "packages/a", link: true },
  "node_modules/@shop/b": { resolved: "packages/b", link: true },
  "node_modules/debug": { version: "4.3.4", integrity, dependencies: { ms: "2.1.2" } },
  "node_modules/fsevents": { version: "2.3.3", integrity, hasInstallScript: true, optional: true, os: ["darwin"] },
  "node_modules/hono": {
    version: "4.6.1",
    integrity,
    license: "MIT",
    resolved: "http://localhost/hono/-/hono-4.6.1.tgz",
  },
  "node_modules/kleur": { version: "4.1.5", integrity, dev: true },
  "node_modules/ms": { version: "2.1.2", integrity },
  "node_modules/ms2": { name: "ms", version: "2.0.0", integrity },
  "node_modules/sharp": {
    version: "0.33.5",
    integrity,
    hasInstallScript: true,
    dependencies: { debug: "*" },
    optionalDependencies: { "@img/sharp-linux-x64": "0.33.5", "@img/left-out": "1.0.0" },
  },
  "node_modules/typescript": { version: "5.6.3", integrity, dev: true },
  "packages/a": { name: "@shop/a", version: "0.1.0", dependencies: { "@shop/b": "*", debug: "4.3.4" } },
  "packages/b": {
    name: "@shop/b",
    version: "0.2.0",
    dependencies: { debug: "2.6.9" },
    devDependencies: { kleur: "4.1.5" },
  },
  "packages/b/node_modules/debug": { version: "2.6.9", integrity, dependencies: { ms: "2.0.0" } },
  "packages/b/node_modules/ms": { version: "2.0.0", integrity },
};

const project = (fields: object, file = "package-lock.json") =>
  projectFiles({ "package.json": {}, [file]: { name: "shop", lockfileVersion: 3, packages, ...fields } });
const withPackages = (changed: object) => project({ packages: { ...packages, ...changed } });

describe("package-lock.json", () => {
  it("is read as its production set, each package once with all its folders", async () => {
    const lock = await readLock(project({}));
    assertEquals([lock.file, lock.manager], ["package-lock.json", "npm"]);
    assertEquals(lock.packages.map(({ name, version, paths }) => `${name}@${version} ${paths.join(" ")}`), [
      "@img/sharp-linux-x64@0.33.5 node_modules/@img/sharp-linux-x64",
      "@shop/a@0.1.0 packages/a",
      "@shop/b@0.2.0 packages/b",
      "debug@2.6.9 packages/b/node_modules/debug",
      "debug@4.3.4 node_modules/debug",
      "fsevents@2.3.3 node_modules/fsevents",
      "hono@4.6.1 node_modules/hono",
      "ms@2.0.0 node_modules/ms2 packages/b/node_modules/ms",
      "ms@2.1.2 node_modules/ms",
      "sharp@0.33.5 node_modules/sharp",
    ]);
    assertEquals(unresolved(lock), []);
  });

  it("has links to workspaces, and the ranges that each project asks for in production", async () => {
    const { links, requested } = await readLock(project({}));
    assertEquals(links, [
      { path: "node_modules/@shop/a", target: "packages/a" },
      { path: "node_modules/@shop/b", target: "packages/b" },
    ]);
    assertEquals(Object.fromEntries([...requested].map(([folder, of]) => [folder, Object.fromEntries(of)])), {
      "": { fsevents: "2.3.3", hono: "^4.6.0", ms2: "npm:ms@2.0.0", sharp: "0.33.5" },
      "packages/a": { "@shop/b": "*", debug: "4.3.4" },
      "packages/b": { debug: "2.6.9" },
    });
  });

  it("keeps what a package is made for, its licence, its tarball, and what it depends on", async () => {
    const lock = await readLock(project({}));
    const find = (name: string) => lock.packages.find((each) => each.name === name);
    assertEquals(find("@img/sharp-linux-x64"), {
      name: "@img/sharp-linux-x64",
      version: "0.33.5",
      from: "npm",
      paths: ["node_modules/@img/sharp-linux-x64"],
      integrity,
      os: ["linux"],
      cpu: ["x64"],
      libc: ["glibc"],
      optional: true,
      hasInstallScript: false,
      dependencies: [],
    });
    assertEquals(find("sharp")?.dependencies, ["@img/sharp-linux-x64@0.33.5", "debug@4.3.4"]);
    assertEquals([find("sharp")?.hasInstallScript, find("sharp")?.optional], [true, false]);
    assertEquals([find("hono")?.license, find("hono")?.resolved], ["MIT", "http://localhost/hono/-/hono-4.6.1.tgz"]);
    assertEquals([find("@shop/a")?.from, find("@shop/a")?.dependencies], ["workspace", [
      "@shop/b@0.2.0",
      "debug@4.3.4",
    ]]);
  });

  it("of version 2 is read by the same part, and npm-shrinkwrap.json comes first", async () => {
    const v2 = await readLock(project({ lockfileVersion: 2, dependencies: { wrong: { version: "1.0.0" } } }));
    assertEquals(v2.packages, (await readLock(project({}))).packages);
    const both = projectFiles({
      "package-lock.json": "{",
      "npm-shrinkwrap.json": { lockfileVersion: 3, packages: { "": {} } },
    });
    assertEquals((await readLock(both)).file, "npm-shrinkwrap.json");
  });

  it("leaves out what a tarball contains already, and keeps what that depends on", async () => {
    const { packages: found } = await readLock(withPackages({
      "node_modules/hono": { version: "4.6.1", bundleDependencies: ["inside"], dependencies: { inside: "1.0.0" } },
      "node_modules/hono/node_modules/inside": { version: "1.0.0", inBundle: true, dependencies: { typescript: "*" } },
    }));
    const names = found.map(({ name }) => name);
    assertEquals([names.includes("inside"), names.includes("typescript")], [false, true]);
  });

  it("takes peers that are not optional", async () => {
    const peers = (optional: boolean) =>
      withPackages({
        "node_modules/hono": {
          version: "4.6.1",
          peerDependencies: { typescript: "*", absent: "*" },
          peerDependenciesMeta: { typescript: { optional } },
        },
      });
    const has = async (optional: boolean) =>
      (await readLock(peers(optional))).packages.some(({ name }) => name === "typescript");
    assertEquals([await has(false), await has(true)], [true, false]);
  });

  const refused: readonly [string, Parameters<typeof project>[0], string, string][] = [
    ["of version 1", { lockfileVersion: 1 }, "has the version 1, and 2 and 3 are supported", "npm 7 or later"],
    ["without a version", { lockfileVersion: undefined }, "has the version undefined", "npm 7 or later"],
    ["without an entry for the project", { packages: {} }, "has no entry for the project itself", "npm install"],
    [
      "with a path out of the project",
      { packages: { "": {}, "node_modules/../../x": { version: "1.0.0" } } },
      'the path "node_modules/../../x", which is not inside of the project',
      "into the project",
    ],
    [
      "with a link out of the project",
      { packages: { "": {}, "node_modules/x": { link: true, resolved: "../x" } } },
      'the path "../x", which is not inside of the project',
      "into the project",
    ],
    [
      "with a name that leads out",
      { packages: { "": {}, "node_modules/x": { name: "../x", version: "1.0.0" } } },
      'a package with the name "../x"',
      "",
    ],
    [
      "without a package that one depends on",
      {
        packages: {
          "": { dependencies: { x: "1" } },
          "node_modules/x": { version: "1.0.0", dependencies: { y: "2" } },
        },
      },
      "has no y, which x@1.0.0 depends on",
      "npm install",
    ],
  ];
  for (const [what, fields, message, hint] of refused) {
    it(`${what} is refused`, async () => {
      const error = await assertRejects(() => readLock(project(fields)), LockError, message);
      assertEquals(error.message.startsWith("package-lock.json has"), true, error.message);
      assertEquals((error.hint ?? "").includes(hint), true, error.hint);
    });
  }

  it("that is not JSON, or has conflicts of a merge, is refused", async () => {
    const text = (content: string) => readLock(projectFiles({ "package-lock.json": content }));
    await assertRejects(() => text("{"), LockError, "package-lock.json is not JSON");
    await assertRejects(() => text('{\n<<<<<<< HEAD\n"a": 1'), LockError, "unresolved conflicts of a merge");
  });
});
