// The apps of test/apps, which their package managers and frameworks have installed and built, in images that run.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { fakeServer } from "../fakes/mod.ts";
import { emptyImage, emptyIndex, type Image, type ImageIndex } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { inWorld, type World } from "../make/command_world.ts";
import { withRunning } from "../make/run_image.ts";
import { ownPlatform, programBase } from "../make/runtime_base.ts";
import { describePeer, freePort, pathOf } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";
import { blocksOf, sectionOf } from "./document_blocks.ts";

/** The lines of the guide that build these apps, each in its folder. */
const LINES = blocksOf(sectionOf("docs/build.md", "Frameworks and workspaces"), "console")
  .flatMap((block) => block.trimEnd().split("\n"));
const base = "registry.example.com/node:24";

/** Runs the guide's line for an app, with the folder in which the app is installed. Returns the image's name. */
async function buildByGuide(
  world: World,
  app: string,
  { from = join(pathOf("installed apps"), app), on = nodeBase(), ...options }: {
    from?: string;
    on?: Image | ImageIndex;
    environment?: Record<string, string>;
    fetch?: typeof fetch;
  } = {},
): Promise<{ image: string; digest: string; err: string }> {
  await world.push(on, base);
  const words = LINES.find((line) => line.includes(`./${app}`))!.split(" ").slice(1);
  const { code, out, err } = await world.gcrane(words.map((word) => word.replace(`./${app}`, from)), options);
  assertEquals(code, 0, err);
  return { image: words[words.indexOf("-t") + 1], digest: out.trim().split("@")[1], err };
}

const nodeBase = (...modules: string[]) => programBase("node", pathOf("node 24"), modules);

/** Runs an image, and asks the app in it. */
async function answerOf(world: World, image: string, path = "/"): Promise<Response> {
  const env = { HOST: "127.0.0.1", PORT: `${await freePort()}` };
  return await withRunning(world, { image, env }, async (address) => {
    const response = await fetch(`${address}${path}`);
    return new Response(await response.arrayBuffer(), response);
  });
}

/** Returns the packages of a scope in an image, and the machines that its native modules and libraries are for. */
async function nativesIn(world: World, image: string, { platform, scope }: { platform: string; scope: string }) {
  const archive = world.path("inspected.tar");
  await world.data(["export", "--platform", platform, image, archive]);
  const [packages, machines] = [new Set<string>(), new Set<number>()];
  for await (const entry of readTar(streamOf(new Uint8Array(readFileSync(archive))))) {
    const [, name] = /\/node_modules\/(@[^/]+\/[^/]+)\//.exec(`/${entry.path}`) ?? [];
    if (name?.startsWith(scope)) packages.add(name);
    if (entry.type !== "file" || !/^app\/.*\.(node|so[.\d]*)$/.test(entry.path)) continue;
    const { buffer, byteOffset } = await entry.bytes();
    machines.add(new DataView(buffer, byteOffset).getUint16(18, true));
  }
  return { packages: [...packages].sort(), machines: [...machines] };
}

/** Serves the packages that `npm pack` has put into a folder, as a registry does. */
async function packageRegistry(folder: string) {
  const server = await fakeServer(({ url }) => {
    const [, scope, file] = /^\/(?:@([^/]+)\/)?[^/]+\/-\/([^/]+)$/.exec(url.pathname) ?? [];
    const path = join(folder, scope ? `${scope}-${file}` : `${file}`);
    return existsSync(path) ? { status: 200, body: new Uint8Array(readFileSync(path)) } : { status: 404 };
  });
  return { ...server, environment: { npm_config_registry: `http://${server.host}/` } };
}

describePeer("an app that is installed and built by its own tools", [
  "installed apps",
  "node 24",
  "chroot",
  "unshare",
  "tar",
], () => {
  it("answers with Express, from templates", { timeout: 120_000 }, () =>
    inWorld(async (world) => {
      const { image } = await buildByGuide(world, "express-app");
      const page = await (await answerOf(world, image, "/?name=ada")).text();
      assertStringIncludes(page, "<h1>hello ada</h1>");
      assertStringIncludes(page, "<p>user 65532</p>");
    }));

  it(
    "answers with sharp, and has its binaries for each platform",
    { timeout: 240_000 },
    () =>
      inWorld(async (world) => {
        const apps = pathOf("installed apps");
        const registry = await packageRegistry(join(apps, "packages"));
        try {
          const other = ownPlatform === "linux/amd64" ? "linux/arm64" : "linux/amd64";
          const vips = join(apps, "thumbnails/node_modules/@img", `sharp-libvips-linux-${process.arch}`, "lib");
          const modules = readdirSync(vips).filter((name) => name.includes(".so")).map((name) => join(vips, name));
          const on = appendManifests(emptyIndex(), [nodeBase(...modules), emptyImage({ platform: other })]);
          const network = ((input: string | URL | Request, init?: RequestInit) => {
            const { host } = new URL(input instanceof Request ? input.url : input);
            return host === registry.host ? fetch(input, init) : world.fetch(input, init);
          }) as typeof fetch;
          const options = { on, environment: registry.environment, fetch: network };
          const { image, digest } = await buildByGuide(world, "thumbnails", options);
          // What is installed is for this machine alone.
          const fetched = registry.requests.map(({ path }) => path.slice(1, path.indexOf("/-/")));
          const name = other.replace("amd64", "x64").replace("/", "-");
          assertEquals([...new Set(fetched)].sort(), [`@img/sharp-libvips-${name}`, `@img/sharp-${name}`]);

          const answer = await answerOf(world, image, "/?width=64");
          const bytes = await answer.arrayBuffer();
          const view = new DataView(bytes);
          // The signature of PNG, and the width and height in its first chunk.
          assertEquals([view.getUint32(0), view.getUint32(16), view.getUint32(20)], [0x89504e47, 64, 32]);

          for (const [platform, cpu, machine] of [["linux/amd64", "x64", 62], ["linux/arm64", "arm64", 183]] as const) {
            assertEquals(await nativesIn(world, image, { platform, scope: "@img/" }), {
              packages: ["@img/colour", `@img/sharp-libvips-linux-${cpu}`, `@img/sharp-linux-${cpu}`],
              machines: [machine],
            });
          }

          // The lock alone gives the same, with all packages from the registry.
          const from = world.path("thumbnails");
          const filter = (path: string) => !path.split(sep).includes("node_modules");
          cpSync(join(apps, "thumbnails"), from, { recursive: true, filter });
          assertEquals((await buildByGuide(world, "thumbnails", { ...options, from })).digest, digest);
        } finally {
          await registry.close();
        }
      }),
  );

  it(
    "answers from a workspace of pnpm, with two others of the project",
    { timeout: 120_000 },
    () =>
      inWorld(async (world) => {
        const { image } = await buildByGuide(world, "shop");
        assertEquals(await (await answerOf(world, image)).json(), {
          products: ["tea: 2.50 EUR", "cake: 4.20 EUR"],
          shipping: "0.99 EUR",
        });
      }),
  );

  it("answers with pages and scripts that Vite has built", { timeout: 120_000 }, () =>
    inWorld(async (world) => {
      const { image } = await buildByGuide(world, "site");
      const page = await (await answerOf(world, image, "/tea")).text();
      assertStringIncludes(page, "<main><h1>page /tea</h1></main>");
      const [script] = /\/assets\/[^"]+/.exec(page)!;
      assertMatch(await (await answerOf(world, image, script)).text(), /hydrate|location\.pathname/);
    }));

  it("is in the guide", () => assertEquals(LINES.length, 4));
}, { skip: once() });
