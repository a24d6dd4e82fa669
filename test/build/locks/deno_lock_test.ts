import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { checkLock, directDependencies, readLock } from "../../../src/build/locks/mod.ts";
import { LockError } from "../../../src/errors.ts";
import { unresolved } from "../../make/lock_resolution.ts";
import { projectFiles } from "../../make/project_files.ts";

const integrity = `sha512-${"A".repeat(86)}==`;
const hex = "0".repeat(64);

const lock5 = {
  version: "5",
  specifiers: {
    "jsr:@acme/helper@1": "1.0.3",
    "jsr:@acme/path@1": "1.2.0",
    "npm:hono@^4.6.0": "4.6.0",
    "npm:ms@2.0.0": "2.0.0",
    "npm:ms@2.1.2": "2.1.2",
    "npm:react-dom@18": "18.3.1_react@18.3.1",
  },
  jsr: {
    "@acme/helper@1.0.3": { integrity: hex, dependencies: ["npm:ms@2.0.0"] },
    "@acme/path@1.2.0": { integrity: hex, dependencies: ["jsr:@acme/helper"] },
  },
  npm: {
    "debug@4.3.4": { integrity, dependencies: ["ms@2.1.2"] },
    "esbuild-linux@1.0.0": { integrity, os: ["linux"], cpu: ["x64"] },
    "hono@4.6.0": { integrity, optionalDependencies: ["esbuild-linux", "left-out"], scripts: true },
    "kleur@4.1.5": { integrity },
    "ms@2.0.0": { integrity },
    "ms@2.1.2": { integrity },
    "react-dom@18.3.1_react@18.3.1": { integrity, dependencies: ["react", "logger@npm:debug@4.3.4"] },
    "react@18.3.1": { integrity, tarball: "http://localhost/react.tgz" },
  },
  workspace: {
    dependencies: ["jsr:@acme/path@1", "npm:hono@^4.6.0"],
    packageJson: { dependencies: ["npm:kleur@4.1.5", "npm:react-dom@18"] },
  },
};
const manifest = { name: "shop", dependencies: { dom: "npm:react-dom@18" }, devDependencies: { kleur: "4.1.5" } };
const project = (change: object = {}) =>
  projectFiles({ "package.json": manifest, "deno.lock": { ...lock5, ...change } });

describe("deno.lock", () => {
  it("is read as its production set, packages of npm in Deno's store and those of JSR without a folder", async () => {
    const lock = await readLock(project());
    const store = "node_modules/.deno";
    assertEquals(lock.packages.map(({ name, version, from, paths }) => `${name}@${version} ${from} ${paths}`), [
      "@acme/helper@1.0.3 jsr ",
      "@acme/path@1.2.0 jsr ",
      `debug@4.3.4 npm ${store}/debug@4.3.4/node_modules/debug`,
      `esbuild-linux@1.0.0 npm ${store}/esbuild-linux@1.0.0/node_modules/esbuild-linux`,
      `hono@4.6.0 npm ${store}/hono@4.6.0/node_modules/hono`,
      `ms@2.0.0 npm ${store}/ms@2.0.0/node_modules/ms`,
      `ms@2.1.2 npm ${store}/ms@2.1.2/node_modules/ms`,
      `react@18.3.1 npm ${store}/react@18.3.1/node_modules/react`,
      `react-dom@18.3.1 npm ${store}/react-dom@18.3.1/node_modules/react-dom`,
    ]);
    assertEquals(unresolved({ ...lock, packages: lock.packages.filter(({ from }) => from === "npm") }), []);
    assertEquals(directDependencies(lock).map(({ name }) => name), ["@acme/path", "hono", "react-dom"]);
  });

  it("has links for aliases, and at the root for what packages of JSR import", async () => {
    const { links } = await readLock(project());
    const targets = new Map(links.map(({ path, target }) => [path, target]));
    const of = (id: string, name: string) => `node_modules/.deno/${id}/node_modules/${name}`;
    assertEquals(targets.get("node_modules/dom"), of("react-dom@18.3.1", "react-dom"));
    assertEquals(targets.get("node_modules/ms"), of("ms@2.0.0", "ms"));
    assertEquals(targets.get(of("react-dom@18.3.1", "logger")), of("debug@4.3.4", "debug"));
  });

  it("keeps platforms, scripts, hashes and addresses", async () => {
    const { packages } = await readLock(project());
    const find = (name: string) => packages.find((each) => each.name === name)!;
    const linux = find("esbuild-linux");
    assertEquals([linux.os, linux.cpu, linux.optional], [["linux"], ["x64"], true]);
    assertEquals([find("hono").hasInstallScript, find("react").hasInstallScript], [true, false]);
    assertEquals(find("react").resolved, "http://localhost/react.tgz");
    assertEquals(find("@acme/path").integrity, `sha256-${"A".repeat(43)}=`);
    assertEquals(find("@acme/path").dependencies, ["@acme/helper@1.0.3"]);
    assertEquals(find("@acme/helper").dependencies, ["ms@2.0.0"]);
  });

  it("of version 4 lacks platforms, so what others depend on counts as optional", async () => {
    const { optionalDependencies: _, ...hono } = { ...lock5.npm["hono@4.6.0"], dependencies: ["esbuild-linux"] };
    const lock = await readLock(project({ version: "4", npm: { ...lock5.npm, "hono@4.6.0": hono } }));
    const optional = lock.packages.filter((each) => each.optional).map(({ name }) => name);
    assertEquals([lock.lacksPlatforms, optional], [true, ["debug", "esbuild-linux", "ms", "react"]]);
  });

  it("numbers the folders of a package with other peers", async () => {
    const npm = {
      ...lock5.npm,
      "react-dom@18.3.1_react@17.0.0": { integrity, dependencies: ["react@17.0.0"] },
      "react-dom@18.3.1_react@18.3.1": { integrity, dependencies: ["react@18.3.1"] },
      "react@17.0.0": { integrity },
    };
    const specifiers = { ...lock5.specifiers, "npm:react-dom@18.3.1": "18.3.1_react@17.0.0" };
    const workspace = { dependencies: ["npm:react-dom@18", "npm:react-dom@18.3.1"] };
    const { packages } = await readLock(project({ npm, specifiers, workspace }));
    assertEquals(packages.find(({ name }) => name === "react-dom")?.paths, [
      "node_modules/.deno/react-dom@18.3.1/node_modules/react-dom",
      "node_modules/.deno/react-dom@18.3.1_1/node_modules/react-dom",
    ]);
  });

  it("fits deno.json and package.json, in whichever form a range is written", async () => {
    const lock = await readLock(project());
    const imports = {
      hono: "npm:hono@^4.6.0",
      "@acme/path": "jsr:@acme/path@^1.0.0",
      "join/": "jsr:@acme/path@1/",
      "./a": "./b.ts",
    };
    checkLock(lock, { imports });
    checkLock(lock, { dependencies: { dom: "npm:react-dom@18" } });
    const wrong = (of: Record<string, unknown>) => () => checkLock(lock, of);
    assertThrows(wrong({ imports: { zod: "npm:zod@^3" } }), LockError, "the lock has no zod@^3");
    const error = assertThrows(wrong({ imports: { hono: "npm:hono@^5" } }), LockError, "it asks for hono@^5");
    assertEquals(error.hint, 'run "deno install", and commit deno.lock');
  });

  it("of other versions, or without what one depends on, is refused", async () => {
    for (const version of ["3", undefined]) {
      await assertRejects(() => readLock(project({ version })), LockError, "and 4 and 5 are supported");
    }
    const { "react@18.3.1": _, ...npm } = lock5.npm;
    await assertRejects(() => readLock(project({ npm })), LockError, "has no react, which react-dom@18.3.1 depends on");
    const outside = { ...lock5.npm, "../x@1.0.0": { integrity } };
    await assertRejects(() => readLock(project({ npm: outside })), LockError, 'a package with the name "../x"');
  });
});
