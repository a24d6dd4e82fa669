import { assertEquals, assertStringIncludes } from "@std/assert";
import { renameSync } from "node:fs";
import { it } from "node:test";
import { streamOf } from "../../src/io/mod.ts";
import { serveFetch } from "../../src/runtime/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { FakeJsrRegistry } from "../fakes/fake_jsr_registry.ts";
import { FakePackageRegistry } from "../fakes/fake_package_registry.ts";
import { writeFiles } from "../make/app_folder.ts";
import { inWorld, type World } from "../make/command_world.ts";
import { withRunning } from "../make/run_image.ts";
import { programBase } from "../make/runtime_base.ts";
import { describePeer, pathOf, runPeer } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";

const [base, app] = ["registry.example.com/base:v1", "registry.example.com/app:v1"];

/** An app that imports packages of npm and of JSR, which import others of npm. */
const APP = {
  "main.ts": `
import { greet } from "@acme/greet";
import { name } from "name";
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log("http://127.0.0.1:" + port) },
  () => new Response(greet(name)));
`,
  "deno.json": {
    tasks: { start: "deno run --allow-net --allow-env main.ts" },
    imports: { "@acme/greet": "jsr:@acme/greet@^1.0.0", "name": "npm:name@^2.0.0" },
  },
};

/** Runs work with registries of npm and of JSR, by the variables that name them. */
async function withRegistries(work: (variables: Record<string, string>) => Promise<void>): Promise<void> {
  const jsr = await FakeJsrRegistry.of({
    name: "@acme/greet",
    version: "1.2.0",
    files: {
      "/mod.ts": `import { mark } from "npm:mark@1"; import { hello } from "./hello.ts";\n` +
        "export const greet = (name: string): string => `${hello}, ${name}${mark}`;\n",
      "/hello.ts": 'export const hello = "hello";\n',
    },
  });
  const npm = Promise.withResolvers<FakePackageRegistry>();
  const servers = [
    await serveFetch(jsr.fetch),
    await serveFetch(async (request) => (await npm.promise).fetch(request)),
  ];
  const [jsrUrl, npmUrl] = servers.map(({ port }) => `http://127.0.0.1:${port}/`);
  const module = (text: string) => ({ manifest: { type: "module", main: "index.js" }, files: { "index.js": text } });
  npm.resolve(FakePackageRegistry.of(npmUrl, [
    {
      name: "name",
      version: "2.1.0",
      manifest: { type: "module", main: "index.js", dependencies: { "@acme/word": "^1.0.0" } },
      files: { "index.js": 'export { word as name } from "@acme/word";\n' },
    },
    { name: "@acme/word", version: "1.0.1", ...module('export const word = "world";\n') },
    { name: "mark", version: "1.0.0", ...module('export const mark = "!";\n') },
  ]));
  try {
    await work({ NPM_CONFIG_REGISTRY: npmUrl, JSR_URL: jsrUrl });
  } finally {
    await Promise.all(servers.map((server) => server.shutdown()));
  }
}

/** Returns the files and links of the app in an image of a world, with what links lead to. */
async function appFilesOf(world: World): Promise<string[]> {
  const { io } = await world.gcrane(`export ${app} -`);
  const found: string[] = [];
  for await (const { path, type, linkname } of readTar(streamOf(io.outBytes))) {
    if (path.startsWith("app/") && type !== "directory") found.push(linkname === "" ? path : `${path} -> ${linkname}`);
  }
  return found.sort();
}

describePeer("an image of an app for Deno out of DENO_DIR", ["deno", "chroot", "unshare", "tar"], () => {
  it(
    "has its packages of npm and JSR, and answers over HTTP without a network",
    { timeout: 300_000 },
    () =>
      inWorld(async (world) => {
        await world.push(programBase("deno", pathOf("deno")), base);
        writeFiles(world.path("app"), APP);
        const directory = world.path("deno_dir");
        const build = (variables: Record<string, string>) =>
          world.gcrane(`build ${world.path("app")} --base ${base} -t ${app} --sbom none --no-cache`, {
            environment: { ...variables, DENO_DIR: directory },
            fetch: (input, init) => {
              const isPackage = new URL(input instanceof Request ? input.url : input).hostname === "127.0.0.1";
              return (isPackage ? fetch : world.fetch)(input, init);
            },
          });
        let [jsrUrl, fetched] = ["", ""];
        await withRegistries(async (variables) => {
          jsrUrl = variables.JSR_URL;
          const env = { ...variables, DENO_DIR: directory };
          await runPeer("deno", ["cache", "main.ts"], { cwd: world.path("app"), env });
          renameSync(`${directory}/npm`, world.path("npm"));
          const { code, out, err } = await build({ npm_config_registry: variables.NPM_CONFIG_REGISTRY });
          assertEquals(code, 0, err);
          fetched = out;
          renameSync(world.path("npm"), `${directory}/npm`);
        });
        // The registries are gone: all that is left of the packages is in the folder.
        const { code, out, err } = await build({});
        assertEquals([code, out], [0, fetched], err);
        const vendor = `vendor/http_${new URL(jsrUrl).host.replace(":", "_")}/@acme/greet`;
        const files = [
          "deno.json",
          "deno.lock",
          "main.ts",
          "node_modules/.deno/@acme+word@1.0.1/node_modules/@acme/word/index.js",
          "node_modules/.deno/@acme+word@1.0.1/node_modules/@acme/word/package.json",
          "node_modules/.deno/mark@1.0.0/node_modules/mark/index.js",
          "node_modules/.deno/mark@1.0.0/node_modules/mark/package.json",
          "node_modules/.deno/name@2.1.0/node_modules/@acme/word -> ../../../@acme+word@1.0.1/node_modules/@acme/word",
          "node_modules/.deno/name@2.1.0/node_modules/name/index.js",
          "node_modules/.deno/name@2.1.0/node_modules/name/package.json",
          "node_modules/.deno/node_modules/@acme/word -> ../../@acme+word@1.0.1/node_modules/@acme/word",
          "node_modules/.deno/node_modules/name -> ../name@2.1.0/node_modules/name",
          "node_modules/mark -> .deno/mark@1.0.0/node_modules/mark",
          "node_modules/name -> .deno/name@2.1.0/node_modules/name",
          `${vendor}/1.2.0/hello.ts`,
          `${vendor}/1.2.0/mod.ts`,
          `${vendor}/1.2.0_meta.json`,
          `${vendor}/meta.json`,
        ];
        assertEquals(await appFilesOf(world), files.map((path) => `app/${path}`));
        const { config } = JSON.parse(await world.data(`config ${app}`));
        const flags =
          "run --cached-only --no-lock --vendor --node-modules-dir=manual --allow-net --allow-env /app/main.ts";
        assertStringIncludes(config.Entrypoint.join(" "), flags);
        const env = { DENO_DIR: "/tmp/deno", JSR_URL: jsrUrl };
        await withRunning(world, { image: app, env }, async (address) => {
          assertEquals(await (await fetch(address)).text(), "hello, world!");
        });
      }),
  );
}, { skip: once() });
