import { assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { emptyImage, layerFromBytes } from "../../../src/image/mod.ts";
import { appendLayers } from "../../../src/mutate/mod.ts";
import { installedVersion, npmLock, writeFiles, writeNpmApp } from "../../make/app_folder.ts";
import { baseFor } from "../../make/built_apps.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const [base, app] = ["registry.example.com/base:v1", "registry.example.com/app:v1"];

/** Runs work with a base in the registry, and an app with hono in the folder `app`. */
const withApp = (work: (world: World) => Promise<void>) =>
  inWorld(async (world) => {
    await world.push(
      appendLayers(emptyImage({ platform: "linux/amd64" }), [await layerFromBytes(new Uint8Array(1024))]),
      base,
    );
    writeNpmApp(world.path("app"), {
      packages: ["hono"],
      scripts: { start: "node server.js" },
      files: { "server.js": "import 'hono';\n" },
    });
    await work(world);
  });

const sizes = (text: string) => text.replace(/\d[\d.]* [kM]?B/g, "N");

describe("gcrane build", () => {
  it("pushes an image with lists of its packages, which tree finds", () =>
    withApp(async (world) => {
      const { code, out, err } = await world.gcrane(`build ${world.path("app")} -b ${base} -t ${app}`);
      assertEquals([code, sizes(err)], [0, "2 of 3 layers sent, N of N\n"]);
      assertEquals(out, `registry.example.com/app@${(await world.data(`digest ${app}`)).trim()}\n`);
      assertEquals(await world.data(`validate ${app}`), `PASS: ${app}\n`);
      const tree = JSON.parse(await world.data(`tree --json ${app}`));
      assertEquals(tree.referrers.map(({ artifactType }: { artifactType: string }) => artifactType).toSorted(), [
        "application/spdx+json",
        "application/vnd.cyclonedx+json",
      ]);
      const [spdx] = tree.referrers.toSorted((a: { artifactType: string }, b: { artifactType: string }) =>
        a.artifactType < b.artifactType ? -1 : 1
      );
      const document = JSON.parse(await world.data(`blob registry.example.com/app@${spdx.layers[0].digest}`));
      assertEquals(document.packages.map(({ name, versionInfo }: Record<string, string>) => [name, versionInfo]), [
        ["web", "1.2.3"],
        ["hono", installedVersion("hono")],
      ]);
    }));

  it("sends only what has changed, and a second build sends nothing", () =>
    withApp(async (world) => {
      const line = `build ${world.path("app")} -b ${base} -t ${app} --cache ${world.path("cache")}`;
      const first = await world.gcrane(line);
      const second = await world.gcrane(line);
      assertEquals(second.out, first.out);
      assertEquals(sizes(second.err), "0 of 3 layers sent, N of N\n");
      writeFileSync(world.path("app/server.js"), "import 'hono'; // changed\n");
      const third = await world.gcrane(line);
      assertEquals(sizes(third.err), "1 of 3 layers sent, N of N\n");
    }));

  it("sends one layer, the config and the manifest for a new version of one package of many", () =>
    inWorld(async (world) => {
      await world.push(emptyImage({ platform: "linux/amd64" }), base);
      const names = Array.from({ length: 40 }, (_, i) => `package-${i}`);
      const dependencies = Object.fromEntries(names.map((name) => [name, "^1.0.0"]));
      const write = (versions: Record<string, string>) => {
        const lock = JSON.parse(JSON.stringify(npmLock(versions)));
        lock.packages[""] = { dependencies };
        const installed = Object.entries(versions).flatMap(([name, version]) => [
          [`node_modules/${name}/package.json`, { name, version }],
          [`node_modules/${name}/index.js`, `export const version = "${version}";\n`],
        ]);
        writeFiles(world.path("app"), {
          "package.json": { name: "web", main: "server.js", dependencies },
          "package-lock.json": lock,
          "server.js": "import 'package-0';\n",
          ...Object.fromEntries(installed),
        });
      };
      const versions = Object.fromEntries(names.map((name) => [name, "1.0.0"]));
      const line = `build ${world.path("app")} -b ${base} -t ${app} --cache ${world.path("cache")} --sbom none --json`;
      const layersOf = (out: string): { what: string; digest: string }[] => JSON.parse(out).platforms[0].layers;
      write(versions);
      const first = await world.gcrane(line);
      assertEquals(sizes(first.err), "5 of 5 layers sent, N of N\n");
      write({ ...versions, "package-7": "1.0.1" });
      const before = world.requests.length;
      const second = await world.gcrane(line);
      assertEquals(sizes(second.err), "1 of 5 layers sent, N of N\n");
      const old = layersOf(first.out).map(({ digest }) => digest);
      const changed = layersOf(second.out).filter(({ digest }) => !old.includes(digest));
      assertEquals(changed.map(({ what }) => what.replace(/\d of/, "N of")), ["packages N of 4"]);
      const writes = world.requests.slice(before).filter((request) => /^(POST|PUT|PATCH) /.test(request));
      const kinds = writes.map((request) => request.replace(/^(\w+) .*\/(uploads|manifests)\/.*/, "$1 $2"));
      assertEquals(kinds.filter((kind) => kind === "POST uploads").length, 2);
      assertEquals(kinds.filter((kind) => kind === "PUT manifests").length, 1);
    }));

  it("moves to a newer base by rebase, without flags", () =>
    withApp(async (world) => {
      await world.gcrane(`build ${world.path("app")} -b ${base} -t ${app} --sbom none`);
      const newer = appendLayers(emptyImage({ platform: "linux/amd64" }), [await layerFromBytes(new Uint8Array(2048))]);
      await world.push(newer, base);
      await world.data(`rebase --in-place ${app}`);
      const annotations = JSON.parse(await world.data(`manifest ${app}`)).annotations;
      assertEquals(annotations["org.opencontainers.image.base.digest"], await newer.digest());
      assertEquals(annotations["org.opencontainers.image.base.name"], base);
      assertEquals(await world.data(`validate ${app}`), `PASS: ${app}\n`);
    }));

  it("writes a layout, an archive with all platforms, or one for docker load", () =>
    withApp(async (world) => {
      await world.push(baseFor("linux/amd64", "linux/arm64"), base);
      const build = (more: string) => world.data(`build ${world.path("app")} -b ${base} ${more}`);
      const digest = await build(`-o ${world.path("layout")} -t ${app}`);
      assertEquals(await world.data(`digest ${world.path("layout")}`), digest);
      assertEquals(await build(`-o ${world.path("app.tar")}`), digest);
      assertEquals(await world.data(`digest ${world.path("app.tar")}`), digest);
      await build(`--platform linux/arm64 -o docker-archive:${world.path("docker.tar")} -t ${app}`);
      assertEquals(JSON.parse(await world.data(`config ${world.path("docker.tar")}`)).architecture, "arm64");
      assertEquals(existsSync(world.path("layout/oci-layout")), true);
    }));

  it("prints JSON, and writes the reference to a file", () =>
    withApp(async (world) => {
      const { out } = await world.gcrane(
        `build ${world.path("app")} -b ${base} -t ${app} --json --image-refs ${world.path("refs")} --sbom none`,
      );
      const digest = (await world.data(`digest ${app}`)).trim();
      const facts = JSON.parse(out);
      assertEquals(readFileSync(world.path("refs"), "utf8"), `registry.example.com/app@${digest}\n`);
      assertEquals(
        {
          ...facts,
          platforms: facts.platforms.map(({ layers, ...rest }: { layers: { what: string }[] }) => ({
            ...rest,
            layers: layers.map(({ what }) => what.replace(/\d of/, "N of")),
          })),
        },
        {
          reference: `registry.example.com/app@${digest}`,
          digest,
          base: { name: base, digest: (await world.data(`digest ${base}`)).trim() },
          runtime: "node",
          entry: "server.js",
          platforms: [{ platform: "linux/amd64", digest, packages: 1, layers: ["package hono", "app"] }],
        },
      );
    }));

  it("takes settings from flags before those of the project", () =>
    withApp(async (world) => {
      await world.gcrane([
        "build",
        world.path("app"),
        "-b",
        base,
        "-t",
        app,
        "--sbom",
        "none",
        "--entry",
        "server.js",
        "--arg",
        "a b",
        "-e",
        "A=b=c",
        "-l",
        "team=web",
        "-u",
        "1000:1000",
        "--port",
        "8080,53/udp",
        "--exclude",
        "package.json",
      ]); // deno-fmt-ignore
      const { config } = JSON.parse(await world.data(`config ${app}`));
      assertEquals([config.Entrypoint, config.Cmd, config.Env, config.User, Object.keys(config.ExposedPorts)], [
        ["node", "/app/server.js"],
        ["a b"],
        ["NODE_ENV=production", "A=b=c"],
        "1000:1000",
        ["53/udp", "8080/tcp"],
      ]);
      assertEquals(config.Labels.team, "web");
    }));

  it("builds a workspace by its folder, with what it needs of the project", () =>
    inWorld(async (world) => {
      await world.push(emptyImage({ platform: "linux/amd64" }), base);
      const workspace = (name: string, dependencies: Record<string, string> = {}) => ({
        name,
        version: "1.0.0",
        main: "index.js",
        dependencies,
      });
      const projects = {
        "packages/api": workspace("api", { shared: "1.0.0", a: "1.0.0" }),
        "packages/shared": workspace("shared"),
        "packages/other": workspace("other", { b: "1.0.0" }),
      };
      const files = Object.entries(projects).flatMap(([folder, manifest]) => [
        [`${folder}/package.json`, manifest],
        [`${folder}/index.js`, "export {};\n"],
      ]);
      const links = Object.entries(projects).map((
        [target, { name }],
      ) => [`node_modules/${name}`, { resolved: target, link: true }]);
      writeFiles(world.path("project"), {
        ...Object.fromEntries(files),
        "package.json": { name: "root", workspaces: ["packages/*"] },
        "package-lock.json": {
          lockfileVersion: 3,
          packages: {
            "": { name: "root", workspaces: ["packages/*"] },
            "node_modules/a": { version: "1.0.0" },
            "node_modules/b": { version: "1.0.0" },
            ...Object.fromEntries(links),
            ...projects,
          },
        },
        "node_modules/a/package.json": { name: "a", version: "1.0.0" },
        "node_modules/b/package.json": { name: "b", version: "1.0.0" },
      });
      const { code, err } = await world.gcrane(
        `build ${world.path("project/packages/api")} -b ${base} -t ${app} --sbom none`,
      );
      assertEquals(code, 0, err);
      const { io } = await world.gcrane(`export ${app} -`);
      const paths = new TextDecoder().decode(io.outBytes).match(/app\/[\w/.]+/g) ?? [];
      const tops = [...new Set(paths.filter((path) => /package.json$|shared$/.test(path)))].sort();
      assertEquals(tops, [
        "app/node_modules/a/package.json",
        "app/node_modules/shared",
        "app/packages/api/package.json",
        "app/packages/shared/package.json",
      ]);
      const { config } = JSON.parse(await world.data(`config ${app}`));
      assertEquals([config.WorkingDir, config.Entrypoint], ["/app/packages/api", [
        "node",
        "/app/packages/api/index.js",
      ]]);
    }));

  it("builds of a folder that a build made, without a lock", () =>
    inWorld(async (world) => {
      await world.push(emptyImage({ platform: "linux/amd64" }), base);
      writeFiles(world.path("out"), { "server/index.mjs": "import 'a';\n", "server/node_modules/a/index.js": "" });
      const line = `build --bundle ${world.path("out")} -b ${base} -t ${app} --sbom none`;
      const unclear = await world.gcrane(line);
      assertEquals([unclear.code, unclear.err.split(" — ")[0]], [1, "Error: no entry: pass --entry"]);
      await world.gcrane(`${line} --entry server/index.mjs`);
      const { config } = JSON.parse(await world.data(`config ${app}`));
      assertEquals(config.Entrypoint, ["node", "/app/server/index.mjs"]);
      assertStringIncludes(
        new TextDecoder().decode((await world.gcrane(`export ${app} -`)).io.outBytes),
        "node_modules/a/index.js",
      );
    }));

  it("refuses what contradicts itself", () =>
    inWorld(async (world) => {
      const refused = async (line: string) => {
        const { code, err } = await world.gcrane(line);
        return [code, err.split(/ — |\n/)[0]];
      };
      assertEquals(await refused("build"), [2, "Error: no name is given for the image"]);
      assertEquals(await refused("build a --bundle b -t x"), [2, "Error: --bundle and DIR both name what is built"]);
      assertEquals(await refused("build -t x --sbom none,spdx"), [2, "Error: --sbom has both none and a format"]);
      assertEquals(await refused("build -t x --sbom xml"), [2, 'Error: --sbom has no "xml"']);
      assertEquals(await refused("build -t x -e A"), [2, 'Error: --env takes NAME=VALUE, not "A"']);
      assertEquals(await refused("build -t x --cache c --no-cache"), [
        2,
        "Error: --cache and --no-cache exclude each other",
      ]);
      assertEquals((await refused(`build ${world.path("none")} -t x`))[0], 1);
    }));
});

describe("gcrane resolve", () => {
  it("prints the YAML with the digests of the images that it has built and pushed", () =>
    withApp(async (world) => {
      writeFiles(world.path("k8s"), {
        "a.yaml": `image: gcrane://${world.path("app")} # the app\n`,
        "sub/b.yml": `kind: Service\n---\nimages: [gcrane://${world.path("app")}]\n`,
        "notes.txt": "not read",
      });
      const { code, out, err } = await world.gcrane(
        `resolve -f ${world.path("k8s")} --repo registry.example.com/team -b ${base} --sbom none`,
      );
      assertEquals(code, 0, err);
      const digest = (await world.data("digest registry.example.com/team/app:latest")).trim();
      const image = `registry.example.com/team/app@${digest}`;
      assertEquals(out, `image: ${image} # the app\n---\nkind: Service\n---\nimages: [${image}]\n`);
    }));

  it("refuses two folders with one name, and what contradicts itself", () =>
    withApp(async (world) => {
      writeFiles(world.path("other/app"), {
        "package.json": { main: "a.js" },
        "package-lock.json": npmLock({}),
        "a.js": "",
      });
      const file = world.write("a.yaml", `a: gcrane://${world.path("app")}\nb: gcrane://${world.path("other/app")}\n`);
      const { code, err } = await world.gcrane(`resolve -f ${file} --repo registry.example.com/team -b ${base}`);
      assertEquals(code, 2);
      assertStringIncludes(err, "both give the name registry.example.com/team/app");
      for (const line of ["resolve", `resolve -f ${file}`, `resolve -f ${file} --repo daemon://x`]) {
        assertEquals((await world.gcrane(line)).code, 2, line);
      }
    }));
});
