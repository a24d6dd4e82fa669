import { describe, it } from "node:test";
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { emptyImage } from "../../src/image/mod.ts";
import { changeImage } from "../../src/mutate/mod.ts";
import { BuildError } from "../../src/errors.ts";
import { baseFor, build, configOf, entriesOf, npmProject, pathsOf } from "../make/built_apps.ts";

describe("buildImage", () => {
  it("puts packages and the app into layers of their own, with the same owner, modes and times", async () => {
    const files = npmProject({ a: "1.0.0" }, { "bin/tool.sh": { content: "#!/bin/sh\n", executable: true } });
    const { platforms: [{ layers, lock }] } = await build(files, { mtime: 1_700_000_000 });
    assertEquals(lock.packages.map(({ name, version }) => `${name}@${version}`), ["a@1.0.0"]);
    const [dependencies, app] = await Promise.all(layers.map(({ layer }) => entriesOf(layer)));
    const common = { uid: 0, gid: 0, mtime: 1_700_000_000, linkname: "" };
    const folder = (path: string) => ({ ...common, path, type: "directory", mode: 0o755, text: "" });
    assertEquals(dependencies, [
      folder("app/"),
      folder("app/node_modules/"),
      folder("app/node_modules/a/"),
      {
        ...common,
        path: "app/node_modules/a/index.js",
        type: "file",
        mode: 0o644,
        text: 'export default "a 1.0.0";\n',
      },
      {
        ...common,
        path: "app/node_modules/a/package.json",
        type: "file",
        mode: 0o644,
        text: '{"name":"a","version":"1.0.0"}',
      },
    ]);
    assertEquals(app.map(({ path, mode }) => [path, mode]), [
      ["app/", 0o755],
      ["app/bin/", 0o755],
      ["app/bin/tool.sh", 0o755],
      ["app/package.json", 0o644],
      ["app/server.js", 0o644],
    ]);
  });

  it("sets what is run, and takes nothing over from the base's names", async () => {
    const base = changeImage(emptyImage({ platform: "linux/amd64" }), {
      entrypoint: ["/nodejs/bin/node"],
      env: { PATH: "/bin" },
      labels: { "org.opencontainers.image.version": "24", team: "bases" },
      annotations: { "org.opencontainers.image.title": "node" },
    });
    const files = npmProject({}, {
      "package.json": JSON.stringify({
        name: "web",
        version: "1.2.3",
        license: "MIT",
        repository: { url: "git+https://user:secret@example.com/web.git" },
        scripts: { start: "node --enable-source-maps server.js --quiet" },
        gcrane: { ports: ["8080", "53/udp"], env: { A: "1", B: "2" }, labels: { own: "x" } },
      }),
    });
    const built = await build(files, { base, env: { B: "3" }, revision: "0123", mtime: 1_000_000_000 });
    const names = {
      "org.opencontainers.image.created": "2001-09-09T01:46:40Z",
      "org.opencontainers.image.title": "web",
      "org.opencontainers.image.version": "1.2.3",
      "org.opencontainers.image.licenses": "MIT",
      "org.opencontainers.image.source": "https://example.com/web",
      "org.opencontainers.image.revision": "0123",
      "org.opencontainers.image.base.digest": await base.digest(),
    };
    assertEquals(await configOf(built), {
      Entrypoint: ["/nodejs/bin/node", "--enable-source-maps", "/app/server.js"],
      Cmd: ["--quiet"],
      Env: ["PATH=/bin", "NODE_ENV=production", "A=1", "B=3"],
      ExposedPorts: { "8080/tcp": {}, "53/udp": {} },
      Labels: { team: "bases", own: "x", ...names },
      User: "65532",
      WorkingDir: "/app",
    });
    const [{ image }] = built.platforms;
    assertEquals((await image.manifest()).annotations, names);
    const { created, history } = await image.configFile();
    assertEquals([created, history], ["2001-09-09T01:46:40Z", [
      { created: "2001-09-09T01:46:40Z", created_by: "gcrane build", comment: "app" },
    ]]);
  });

  it("builds for every platform of an index, or for some", async () => {
    const base = baseFor("linux/amd64", "linux/arm64", "windows/amd64");
    const built = await build(npmProject({ a: "1.0.0" }), { base });
    assertEquals(built.view.kind, "index");
    assertEquals(built.platforms.map(({ platform }) => platform.architecture), ["amd64", "arm64"]);
    const digests = await Promise.all(
      built.platforms.map(({ layers }) => Promise.all(layers.map(({ layer }) => layer.digest()))),
    );
    assertEquals(digests[0], digests[1]);
    const one = await build(npmProject({ a: "1.0.0" }), { base, platforms: ["linux/arm64"] });
    assertEquals(await one.view.digest(), await built.platforms[1].image.digest());
  });

  it("chooses optional packages by platform, in a layer of their own", async () => {
    const files = npmProject({ a: "1.0.0" }, {}, { "native-x64": "x64", "native-arm64": "arm64" });
    const { platforms } = await build(files, { base: baseFor("linux/amd64", "linux/arm64") });
    const rows = await Promise.all(
      platforms.map(async (built) => Object.entries(await pathsOf({ platforms: [built] }))),
    );
    const specific = rows.map((row) => row.find(([what]) => what === "packages for the platform")?.[1]);
    const own = (cpu: string) => ["index.js", "package.json"].map((name) => `app/node_modules/native-${cpu}/${name}`);
    assertEquals(specific, [own("x64"), own("arm64")]);
    const shared = await Promise.all(platforms.map(({ layers }) => layers[0].layer.digest()));
    assertEquals(shared[0], shared[1]);
  });

  it("chooses packages by the C library that they name, where the lock does not have it", async () => {
    const libraries = { "native-gnu": "glibc", "native-musl": "musl" };
    const manifests = Object.entries(libraries).map(([name, libc]) => [
      `node_modules/${name}/package.json`,
      JSON.stringify({ name, version: "1.0.0", os: ["linux"], cpu: ["x64"], libc: [libc] }),
    ]);
    const files = npmProject({}, Object.fromEntries(manifests), { "native-gnu": "x64", "native-musl": "x64" });
    for (const [name, libc] of Object.entries(libraries)) {
      const built = await build(files, { libc: libc as "glibc" | "musl" });
      const paths = Object.values(await pathsOf(built)).flat().filter((path) => path.includes("native-"));
      assertEquals(paths, ["index.js", "package.json"].map((file) => `app/node_modules/${name}/${file}`));
      assertEquals(built.platforms[0].lock.packages.map((locked) => locked.name), [name]);
    }
  });

  it("changes one layer for another version of one package", async () => {
    const versions = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`package-${i}`, "1.0.0"]));
    const digests = async (changed: Record<string, string>) => {
      const { platforms: [{ layers }] } = await build(npmProject({ ...versions, ...changed }));
      return Object.fromEntries(await Promise.all(layers.map(async ({ what, layer }) => [what, await layer.digest()])));
    };
    const before = await digests({});
    const after = await digests({ "package-7": "1.0.1" });
    assertEquals(Object.keys(before).length, 5);
    const changed = Object.keys(before).filter((what) => before[what] !== after[what]);
    // package.json itself asks for the other version.
    assertEquals(changed.map((what) => what.replace(/\d of/, "N of")), ["packages N of 4", "app"]);
    assertEquals(Object.keys(after), Object.keys(before));
  });

  it("gives big packages layers of their own, and at most as many layers as it may", async () => {
    const versions = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`package-${i}`, "1.0.0"]));
    const big = Object.fromEntries(
      [3, 5, 8].map((i) => [`node_modules/package-${i}/data.bin`, new Uint8Array(1024 * 1024 + i)]),
    );
    const kinds = async (layers?: number) => {
      const { platforms: [built] } = await build(npmProject(versions, big), { layers });
      return built.layers.map(({ what }) => what).filter((what) => what !== "app");
    };
    assertEquals(
      (await kinds()).filter((what) => what.startsWith("package ")),
      [3, 5, 8].map((i) => `package package-${i}`),
    );
    for (const most of [1, 2, 3, 5, 10, 20]) assertEquals((await kinds(most)).length <= most, true, `${most}`);
  });

  it("leaves out what package managers stamp, and the digest does not change with it", async () => {
    const versions = { a: "1.0.0" };
    const stamps = {
      "node_modules/.package-lock.json": "{}",
      "node_modules/.modules.yaml": "now",
      "node_modules/.yarn-state.yml": "now",
      "node_modules/.bin/a": { link: "../a/index.js" },
      "node_modules/a/node_modules/.bin/b": { link: "../b" },
      "npm-debug.log": "now",
      ".git/HEAD": "ref: refs/heads/main",
    };
    const [plain, stamped] = await Promise.all([
      build(npmProject(versions)),
      build(npmProject(versions, stamps)),
    ]);
    assertEquals(await stamped.view.digest(), await plain.view.digest());
    const edited = await build(npmProject(versions, { "server.js": "console.log(2);\n" }));
    assertNotEquals(await edited.view.digest(), await plain.view.digest());
  });

  it("takes a package from wherever it is installed, as pnpm and Bun place them", async () => {
    const files = npmProject({ a: "1.0.0" });
    const moved = Object.fromEntries(
      Object.entries(files).map((
        [path, file],
      ) => [path.replace("node_modules/a", "node_modules/.bun/a@1/node_modules/a"), file]),
    );
    assertEquals(await (await build(moved)).view.digest(), await (await build(files)).view.digest());
  });

  it("pins the base by its digest, and names it where the name may move", async () => {
    const base = emptyImage({ platform: "linux/arm64" });
    const opened: string[] = [];
    const { base: pinned } = await build(
      npmProject({}, { "package.json": '{"main":"server.js","gcrane":{"base":"registry.example.com/node:24"}}' }),
      { base: undefined, openBase: (name) => (opened.push(name), Promise.resolve(base)) },
    );
    assertEquals([pinned, opened], [
      { name: "registry.example.com/node:24", digest: await base.digest() },
      ["registry.example.com/node:24"],
    ]);
  });

  it("warns of modules of URLs in the lock that are not vendored", async () => {
    const warned = async (vendor: boolean) => {
      const texts: string[] = [];
      await build({
        "deno.json": JSON.stringify({ vendor, exports: "./main.ts" }),
        "deno.lock": JSON.stringify({ version: "5", remote: { "https://example.com/a.ts": "0".repeat(64) } }),
        "main.ts": 'import "https://example.com/a.ts";\n',
        "vendor/example.com/a.ts": "",
      }, { onWarning: (text) => texts.push(text) });
      return texts.map((text) => text.split(":")[0]);
    };
    assertEquals(await warned(false), ["the image lacks the modules of URLs in deno.lock"]);
    assertEquals(await warned(true), []);
  });

  it("refuses a base without the platform", async () => {
    const wrong = (base: Parameters<typeof build>[1]) => assertRejects(() => build(npmProject({}), base), BuildError);
    const { message } = await wrong({ base: baseFor("linux/amd64"), platforms: ["linux/s390x"] });
    assertEquals(
      message.replace(/sha256:\w+/, "D"),
      "the base D has no image for linux/s390x: it has images for linux/amd64",
    );
    const windows = await wrong({ base: emptyImage({ platform: "windows/amd64" }) });
    assertEquals(windows.message.includes("has no image for Linux: it has images for windows/amd64"), true);
  });
});
