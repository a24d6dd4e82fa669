import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Lock } from "../../../src/build/locked_package.ts";
import { checkLock, directDependencies, readLock } from "../../../src/build/locks/mod.ts";
import { LockError } from "../../../src/errors.ts";
import { readTextFile } from "../../../src/runtime/mod.ts";
import { unresolved } from "../../make/lock_resolution.ts";
import { projectFiles } from "../../make/project_files.ts";

/** The project that each package manager has locked: two workspaces, an alias, peers, packages for other platforms. */
function manifests(manager: string): Record<string, Record<string, unknown>> {
  const isPnpm = manager.startsWith("pnpm");
  return {
    "package.json": {
      name: "shop",
      version: "1.0.0",
      ...(!isPnpm && { workspaces: ["packages/*"] }),
      dependencies: { "@hono/node-server": "1.13.0", hono: "4.6.0", ms2: "npm:ms@2.0.0" },
      devDependencies: { kleur: "4.1.5" },
      optionalDependencies: { "@img/sharp-libvips-linux-x64": "1.0.4", fsevents: "2.3.3" },
    },
    "packages/a/package.json": {
      name: "@shop/a",
      version: "0.1.0",
      dependencies: {
        "@shop/b": isPnpm ? "workspace:*" : "0.2.0",
        debug: "4.3.4",
        react: "18.3.1",
        "react-dom": "18.3.1",
      },
    },
    "packages/b/package.json": {
      name: "@shop/b",
      version: "0.2.0",
      dependencies: { debug: "2.6.9" },
      devDependencies: { kleur: "4.1.5" },
    },
  };
}

/** The lock files as the managers wrote them, by their names in a project. */
const LOCKS: Readonly<Record<string, readonly [manager: Lock["manager"], file: string, stored: string]>> = {
  npm: ["npm", "package-lock.json", "npm.json"],
  "pnpm 8": ["pnpm", "pnpm-lock.yaml", "pnpm_8.yaml"],
  "pnpm 9": ["pnpm", "pnpm-lock.yaml", "pnpm_9.yaml"],
  "yarn 1": ["yarn", "yarn.lock", "yarn_1.lock"],
  "yarn 4": ["yarn", "yarn.lock", "yarn_4.lock"],
  bun: ["bun", "bun.lock", "bun.lock"],
};

async function project(name: string, change: (text: string) => string = (text) => text) {
  const [manager, file, stored] = LOCKS[name];
  const text = await readTextFile(new URL(`../../testdata/locks/${stored}`, import.meta.url).pathname);
  const workspace = manager === "pnpm" ? { "pnpm-workspace.yaml": "packages:\n  - packages/*\n" } : {};
  return projectFiles({ ...manifests(manager), ...workspace, [file]: change(text) });
}

const PRODUCTION = [
  "@hono/node-server@1.13.0",
  "@img/sharp-libvips-linux-x64@1.0.4 optional",
  "@shop/a@0.1.0",
  "@shop/b@0.2.0",
  "debug@2.6.9",
  "debug@4.3.4",
  "fsevents@2.3.3 optional",
  "hono@4.6.0",
  "js-tokens@4.0.0",
  "loose-envify@1.4.0",
  "ms@2.0.0",
  "ms@2.1.2",
  "react@18.3.1",
  "react-dom@18.3.1",
  "scheduler@0.23.2",
];

const edges = (lock: Lock, name: string) => lock.packages.find((each) => each.name === name)?.dependencies;

for (const [name, [manager, file]] of Object.entries(LOCKS)) {
  describe(`the lock of ${name}`, () => {
    it("has the same production set as the others'", async () => {
      const lock = await readLock(await project(name));
      assertEquals([lock.manager, lock.file], [manager, file]);
      const found = lock.packages.map((each) => `${each.name}@${each.version}${each.optional ? " optional" : ""}`);
      assertEquals(found, PRODUCTION);
      assertEquals(edges(lock, "loose-envify"), ["js-tokens@4.0.0"]);
      assertEquals(lock.packages.filter(({ from }) => from === "workspace").map(({ paths }) => paths), [
        ["packages/a"],
        ["packages/b"],
      ]);
    });

    it("places each package once or more, where Node.js finds it from each that depends on it", async () => {
      const lock = await readLock(await project(name));
      assertEquals(unresolved(lock), []);
      assert(lock.packages.every(({ paths }) => paths.length > 0));
      const places = [...lock.packages.flatMap(({ paths }) => paths), ...lock.links.map(({ path }) => path)];
      assertEquals(new Set(places).size, places.length);
    });

    it("leads the projects to what they ask for", async () => {
      const lock = await readLock(await project(name));
      const names = (folder: string) => directDependencies(lock, folder).map((each) => `${each.name}@${each.version}`);
      assertEquals(names("").sort(), [
        "@hono/node-server@1.13.0",
        "@img/sharp-libvips-linux-x64@1.0.4",
        "fsevents@2.3.3",
        "hono@4.6.0",
        "ms@2.0.0",
      ]);
      assertEquals(names("packages/a").sort(), ["@shop/b@0.2.0", "debug@4.3.4", "react-dom@18.3.1", "react@18.3.1"]);
      assertEquals(names("packages/b"), ["debug@2.6.9"]);
    });

    it("fits its package.json files, and not changed ones", async () => {
      const lock = await readLock(await project(name));
      const { "package.json": root, "packages/a/package.json": a } = manifests(manager);
      checkLock(lock, root);
      checkLock(lock, a, "packages/a");
      checkLock(lock, { ...root, devDependencies: { other: "1" } });
      const dependencies = root.dependencies as Record<string, string>;
      const check = (fields: object) => () => checkLock(lock, { ...root, ...fields });
      const command = `run "${manager} install", and commit ${file}`;
      const error = assertThrows(check({ dependencies: { ...dependencies, zod: "^3" } }), LockError);
      assertEquals([error.message, error.hint], [`${file} does not fit package.json: the lock has no zod@^3`, command]);
      if (name !== "yarn 1") {
        assertThrows(
          check({ dependencies: { ...dependencies, hono: "^5" } }),
          LockError,
          "it asks for hono@^5, and the lock has hono@4.6.0",
        );
      }
      assertThrows(check({ optionalDependencies: {} }), LockError, "which it does not ask for");
      assertThrows(() => checkLock(lock, a, "packages/c"), LockError, "does not fit packages/c/package.json");
    });

    it("is refused with unresolved conflicts of a merge", async () => {
      const spoiled = await project(name, (text) => `<<<<<<< HEAD\n${text}=======\n>>>>>>> other\n`);
      const error = await assertRejects(() => readLock(spoiled), LockError, file);
      assert(`${error.message} ${error.hint}`.includes("unresolved conflicts of a merge"));
    });

    it("is refused without a package that another one depends on", async () => {
      const renamed = /js-tokens("?:? "?(?:npm:)?(?:\^3|4\.0\.0$))/m;
      const spoiled = await project(name, (text) => text.replace(renamed, "absent$1"));
      await assertRejects(() => readLock(spoiled), LockError, "has no absent, which loose-envify@1.4.0 depends on");
    });
  });
}

describe("what a package is made for", () => {
  for (const name of Object.keys(LOCKS)) {
    it(`is in the lock of ${name}${name === "yarn 1" ? " not, and the lock is marked so" : ""}`, async () => {
      const lock = await readLock(await project(name));
      const libvips = lock.packages.find((each) => each.name === "@img/sharp-libvips-linux-x64")!;
      const known = name !== "yarn 1";
      assertEquals(
        [libvips.os, libvips.cpu, libvips.libc],
        known ? [["linux"], ["x64"], ["glibc"]] : [undefined, undefined, undefined],
      );
      assertEquals(lock.lacksPlatforms ?? false, !known);
    });
  }
});

describe("hashes and addresses", () => {
  it("are those of tarballs; yarn 4 has none", async () => {
    for (const name of Object.keys(LOCKS)) {
      const { packages } = await readLock(await project(name));
      const hono = packages.find((each) => each.name === "hono")!;
      assertEquals(hono.integrity?.slice(0, 7), name === "yarn 4" ? undefined : "sha512-", name);
      assertEquals(hono.resolved?.slice(0, 17), name === "yarn 1" ? "http://localhost/" : undefined, name);
    }
  });

  it("are those of the older form too: sha1 behind an address", async () => {
    const files = await project("yarn 1", (text) => text.replace(/^ {2}integrity sha512.*\n/gm, ""));
    const { packages } = await readLock(files);
    const [hono] = packages.filter((each) => each.name === "hono");
    assertEquals(hono.integrity?.slice(0, 5), "sha1-");
    assertEquals(hono.resolved?.endsWith(".tgz"), true);
  });
});

describe("pnpm's places", () => {
  it("are its store, with links beside each package, in the projects, and for what is not declared", async () => {
    const lock = await readLock(await project("pnpm 9"));
    const store = "node_modules/.pnpm";
    const links = new Map(lock.links.map(({ path, target }) => [path, target]));
    const reactDom = `${store}/react-dom@18.3.1_react@18.3.1/node_modules`;
    assertEquals(lock.packages.find((each) => each.name === "react-dom")?.paths, [`${reactDom}/react-dom`]);
    assertEquals(links.get(`${reactDom}/react`), `${store}/react@18.3.1/node_modules/react`);
    assertEquals(
      links.get("node_modules/@hono/node-server"),
      `${store}/@hono+node-server@1.13.0_hono@4.6.0/node_modules/@hono/node-server`,
    );
    assertEquals(links.get("node_modules/ms2"), `${store}/ms@2.0.0/node_modules/ms`);
    assertEquals(links.get("packages/a/node_modules/@shop/b"), "packages/b");
    assertEquals(links.get(`${store}/node_modules/scheduler`), `${store}/scheduler@0.23.2/node_modules/scheduler`);
    assertEquals(links.has("node_modules/kleur"), false);
  });
});

describe("places in folders", () => {
  for (const name of ["npm", "yarn 1", "yarn 4", "bun"]) {
    it(`of ${name} are as near to the root as they can be`, async () => {
      const lock = await readLock(await project(name));
      const paths = (id: string) => lock.packages.find((each) => `${each.name}@${each.version}` === id)?.paths;
      assertEquals(paths("debug@4.3.4"), ["node_modules/debug"]);
      assertEquals(paths("debug@2.6.9"), ["packages/b/node_modules/debug"]);
      assertEquals(paths("react-dom@18.3.1"), ["node_modules/react-dom"]);
      assertEquals(paths("ms@2.0.0")?.[0], "node_modules/ms2");
      assertEquals(lock.links, [
        { path: "node_modules/@shop/a", target: "packages/a" },
        { path: "node_modules/@shop/b", target: "packages/b" },
      ]);
    });
  }
});
