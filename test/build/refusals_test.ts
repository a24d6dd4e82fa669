import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type BuildImageOptions, type MemoryFile, memoryFiles } from "../../src/build/mod.ts";
import { BuildError, type GcraneError, LockError } from "../../src/errors.ts";
import { baseFor, build, npmProject, pathsOf } from "../make/built_apps.ts";
import { elfHeader } from "../make/elf.ts";

/** Returns the message of a build that is refused, and its hint. */
async function refused(
  files: Readonly<Record<string, MemoryFile>>,
  { error = BuildError, ...options }: Partial<BuildImageOptions> & { error?: typeof BuildError | typeof LockError } =
    {},
): Promise<string> {
  const thrown: GcraneError = await assertRejects(() => build(files, options), error as typeof BuildError);
  return thrown.hint === undefined ? thrown.message : `${thrown.message}: ${thrown.hint}`;
}

describe("buildImage refuses", () => {
  it("a project with dependencies and without a lock", async () => {
    const { "package-lock.json": _, ...files } = npmProject({ a: "1.0.0" });
    assertStringIncludes(await refused(files, { error: LockError }), "there is no lock file");
    const free = npmProject({});
    delete free["package-lock.json"];
    assertEquals(await pathsOf(await build(free)), { app: ["app/package.json", "app/server.js"] });
  });

  it("a lock that does not fit package.json", async () => {
    const files = npmProject({ a: "1.0.0" }, {
      "package.json": JSON.stringify({ main: "server.js", dependencies: { a: "^2.0.0" } }),
    });
    assertStringIncludes(await refused(files, { error: LockError }), "package-lock.json does not fit package.json");
  });

  it("an entry that is not among the files, or only in other case", async () => {
    const project = (fields: unknown) => npmProject({}, { "package.json": JSON.stringify(fields) });
    assertEquals(
      await refused(project({}), { entry: "main.js" }),
      "the entry main.js is not among the files: build the app first, name another file with --entry, or check include and exclude",
    );
    assertStringIncludes(
      await refused(project({ main: "./dist/index.js" })),
      "the entry dist/index.js, which main of package.json names, is not among the files",
    );
    assertStringIncludes(
      await refused(project({ scripts: { start: "node Server.js" } })),
      "the entry Server.js, which scripts.start of package.json names, is named server.js among the files: case differs",
    );
    assertStringIncludes(await refused(project({}), { entry: "../a.js" }), "the entry ../a.js is not in the project");
  });

  it("to guess what is unclear", async () => {
    const project = (fields: unknown) => npmProject({}, { "package.json": JSON.stringify(fields) });
    assertStringIncludes(await refused(project({})), "no entry: pass --entry");
    assertStringIncludes(
      await refused(project({ name: "x", bin: { a: "server.js", b: "server.js" } })),
      "no entry: bin of package.json has a, b; pass --entry",
    );
    const two = {
      "package.json": JSON.stringify({ scripts: { start: "node server.js" } }),
      "deno.json": JSON.stringify({ tasks: { start: "deno run main.ts" } }),
    };
    assertEquals(await refused(npmProject({}, two)), "no runtime: deno or node; pass --runtime");
  });

  it("secrets that an include matches without naming them", async () => {
    const secrets = [".env", ".env.local", "config/tls.key", ".npmrc", ".ssh/id_ed25519"];
    const files = npmProject({}, Object.fromEntries(secrets.map((path) => [path, "secret"])));
    files[".env.example"] = "KEY=\n";
    const warnings: string[] = [];
    const plain = await pathsOf(await build(files, { onWarning: (message) => warnings.push(message) }));
    assertEquals(plain.app, ["app/.env.example", "app/package.json", "app/server.js"]);
    assertEquals(
      warnings.toSorted(),
      secrets.map((path) => `${path} stays out of the image: it may hold secrets`).sort(),
    );
    for (const path of secrets) {
      const others = secrets.filter((other) => other !== path);
      assertEquals(
        await refused(files, { include: ["**"], exclude: others }),
        `the include matches ${path}, which may hold secrets: exclude it, or name it: --include ${path}`,
      );
      const named = await pathsOf(await build(files, { include: [path, "server.js"] }));
      assertEquals(named.app, [`app/${path}`, "app/package.json", "app/server.js"].sort());
    }
  });

  it("a file of 10 GB, unless it is named", async () => {
    const plain = memoryFiles(npmProject({}));
    const read: string[] = [];
    const files = {
      ...plain,
      list: async (folder: string) => {
        const listed = await plain.list(folder);
        const dump = { path: "dump.sql", type: "file", size: 10e9, executable: false } as const;
        return folder === "" ? [...listed, dump] : listed;
      },
      stream: (path: string) => (read.push(path), plain.stream(path)),
    };
    assertEquals(
      await refused({}, { files }),
      "dump.sql has 10.0 GB, more than the 4.3 GB of a usual file: exclude it, or name it: --include dump.sql",
    );
    assertEquals(read, []);
    const { app } = await pathsOf(await build({}, { files, exclude: ["*.sql"] }));
    assertEquals(app, ["app/package.json", "app/server.js"]);
  });

  it("links that lead out of the project or in a circle", async () => {
    for (const target of ["/etc/passwd", "../outside", "src/../../outside"]) {
      assertEquals(
        await refused(npmProject({}, { data: { link: target } })),
        `the link data leads to ${target}, out of the project: exclude it, or replace it by what it leads to`,
      );
    }
    const circle = { "a/x": { link: "../b" }, b: { link: "c" }, c: { link: "a/x" } };
    assertEquals(await refused(npmProject({}, circle)), "links lead in a circle: a/x -> b -> c -> a/x");
  });

  it("a package with a link out of its folder", async () => {
    const files = npmProject({ a: "1.0.0" }, { "node_modules/a/lib/x": { link: "../../../server.js" } });
    assertEquals(
      await refused(files),
      "a@1.0.0: the link lib/x leads to ../../../server.js, out of the package",
    );
  });

  it("a package whose install script makes what is not there, by name", async () => {
    const files = withScript(npmProject({ "better-sqlite3": "1.0.0" }), "better-sqlite3");
    const own = "node_modules/better-sqlite3/build/Release/better_sqlite3.node";
    assertEquals(
      await refused(files),
      "better-sqlite3@1.0.0 has an install script, which fetches or compiles: node_modules does not hold what it makes for linux/amd64: install it on linux/amd64, or pass --ignore-script better-sqlite3 if it works without",
    );
    await build(files, { ignoreScripts: ["better-sqlite3"] });
    const installed = { ...files, [own]: elfHeader("amd64") };
    await build(installed);
    assertEquals(
      await refused(installed, { base: baseFor("linux/amd64", "linux/arm64") }),
      "better-sqlite3@1.0.0 has native modules for amd64 and none for linux/arm64: build on linux/arm64, leave that platform out with --platform, or take a package that has binaries for it",
    );
    assertStringIncludes(
      await refused({ ...files, [own]: new Uint8Array(64) }),
      "has native modules for another operating system and none for linux/amd64",
    );
  });

  it("an app or a bundle with native modules for other platforms alone", async () => {
    const base = baseFor("linux/amd64", "linux/arm64");
    const own = npmProject({}, { "build/Release/own.node": elfHeader("amd64") });
    const bundled = (cpu: "amd64" | "arm64") => ({ [`server/node_modules/@img/${cpu}/a.node`]: elfHeader(cpu) });
    const bundle = { "server/index.mjs": "", ...bundled("amd64") };
    const options = { base, bundle: true, entry: "server/index.mjs" };
    const hint = "build on linux/arm64, leave that platform out with --platform, or leave them out with --exclude";
    for (const message of [await refused(own, { base }), await refused(bundle, options)]) {
      assertEquals(message, `the app has native modules for amd64 and none for linux/arm64: ${hint}`);
    }
    await build(own, { base, platforms: ["linux/amd64"] });
    await build(bundle, { ...options, exclude: ["*.node"] });
    await build({ ...bundle, ...bundled("arm64") }, options);
  });

  it("no package with an install script whose binaries are packages of their own", async () => {
    const project = npmProject({ esbuild: "1.0.0" }, {}, { "@esbuild/linux-x64": "x64" });
    const files = withScript(project, "esbuild", (packages) => {
      packages["node_modules/esbuild"].optionalDependencies = { "@esbuild/linux-x64": "1.0.0" };
    });
    await build(files);
    assertStringIncludes(
      await refused(files, { base: baseFor("linux/arm64") }),
      "esbuild@1.0.0 has an install script, which fetches or compiles",
    );
  });

  it("settings that there are not", async () => {
    const project = (gcrane: unknown) =>
      npmProject({}, { "package.json": JSON.stringify({ main: "server.js", gcrane }) });
    assertStringIncludes(
      await refused(project({ entrypoint: "x" })),
      '"gcrane" in package.json has the unknown key "entrypoint"',
    );
    assertEquals(await refused(project([])), '"gcrane" in package.json is not an object');
    assertEquals(await refused(project({ args: "x" })), '"gcrane.args" in package.json is not a list of texts');
    assertEquals(await refused(project({ env: { A: 1 } })), '"gcrane.env" in package.json is not an object of texts');
    assertEquals(
      await refused(project({ layers: 0 })),
      '"gcrane.layers" in package.json is not a whole number above 0',
    );
    assertEquals(
      await refused(project({ runtime: "python" })),
      '"gcrane.runtime" in package.json is "python", not one of node, bun, deno, none',
    );
    for (const port of ["http", "0", "65536"]) {
      assertEquals(
        await refused(project({ ports: [port] })),
        `"gcrane.ports" in package.json has "${port}", which is not a port`,
      );
    }
    for (const name of ["", "A=B"]) {
      assertEquals(
        await refused(project({ env: { [name]: "x" } })),
        `"gcrane.env" in package.json has "${name}", which is not a name for an environment variable`,
      );
    }
    assertStringIncludes(await refused(project({ include: ["{a"] })), 'the glob "{a" has a { that does not close');
    assertStringIncludes(await refused(npmProject({}, { "package.json": "{" })), "package.json is not JSON");
  });
});

describe("buildImage accepts", () => {
  it("names that differ in case alone", async () => {
    const files = npmProject({}, { "a.js": "1", "A.js": "2" });
    const { app } = await pathsOf(await build(files));
    assertEquals(app, ["app/A.js", "app/a.js", "app/package.json", "app/server.js"]);
  });
});

type LockPackages = Record<string, Record<string, unknown>>;

function withScript(
  files: Record<string, MemoryFile>,
  name: string,
  change: (packages: LockPackages) => void = () => {},
): Record<string, MemoryFile> {
  const lock: { packages: LockPackages } = JSON.parse(`${files["package-lock.json"]}`);
  lock.packages[`node_modules/${name}`].hasInstallScript = true;
  change(lock.packages);
  return { ...files, "package-lock.json": JSON.stringify(lock) };
}
