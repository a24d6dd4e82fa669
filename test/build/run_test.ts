import { assertEquals } from "@std/assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { inWorld } from "../make/command_world.ts";
import { copyPackage, installedVersion, writeFiles, writeNpmApp } from "../make/app_folder.ts";
import { programBase } from "../make/runtime_base.ts";
import { withRunning } from "../make/run_image.ts";
import { describePeer, pathOf, runPeer } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";

const [base, app] = ["registry.example.com/base:v1", "registry.example.com/app:v1"];

describePeer("an image of an app for Node.js", ["node 24", "chroot", "unshare", "tar"], () => {
  it("answers over HTTP as the user nonroot", { timeout: 300_000 }, () =>
    inWorld(async (world) => {
      await world.push(programBase("node", pathOf("node 24")), base);
      writeNpmApp(world.path("app"), {
        packages: ["hono"],
        scripts: { start: "node server.js greeting" },
        files: { "server.js": SERVER },
      });
      const { code, err } = await world.gcrane(`build ${world.path("app")} --base ${base} -t ${app} --sbom none`);
      assertEquals([code, err.replace(/\d[\d.]* \wB/g, "N")], [0, "2 of 3 layers sent, N of N\n"]);
      await withRunning(world, { image: app }, async (address) => {
        const answer = await fetch(address);
        assertEquals(await answer.text(), "hello from 65532 in production with greeting");
      });
    }));
}, { skip: once() });

describePeer("an image of an app for Bun", ["bun", "chroot", "unshare", "tar"], () => {
  it("answers over HTTP, from TypeScript and by bun.lock", { timeout: 300_000 }, () =>
    inWorld(async (world) => {
      await world.push(programBase("bun", pathOf("bun")), base);
      const hono = installedVersion("hono");
      writeNpmApp(world.path("app"), {
        packages: ["hono"],
        module: "server.ts",
        main: "server.ts",
        files: {
          "server.ts": BUN_SERVER,
          "package-lock.json": undefined,
          "bun.lock": `{
            "lockfileVersion": 1,
            "workspaces": { "": { "name": "web", "dependencies": { "hono": "${hono}", }, }, },
            "packages": { "hono": ["hono@${hono}", "", {}, ""], },
          }`,
        },
      });
      await world.gcrane(`build ${world.path("app")} --base ${base} -t ${app} --sbom none`);
      await withRunning(world, { image: app }, async (address) => {
        assertEquals(await (await fetch(address)).text(), "hello from Bun in production");
      });
    }));
}, { skip: once() });

describePeer("an image of an app for Deno", ["deno", "chroot", "unshare", "tar"], () => {
  it(
    "answers over HTTP, with vendored modules and packages of npm",
    { timeout: 300_000 },
    () =>
      inWorld(async (world) => {
        await world.push(programBase("deno", pathOf("deno")), base);
        const hono = installedVersion("hono");
        const server = createServer((_, response) => {
          response.setHeader("content-type", "text/javascript");
          response.end("export const greeting = 'hello';\n");
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/greeting.js`;
        writeFiles(world.path("app"), {
          "main.ts": `import { greeting } from "${address}";\n${DENO_SERVER}`,
          "deno.json": {
            vendor: true,
            tasks: { start: "deno run --allow-net --allow-env main.ts" },
            imports: { hono: `npm:hono@${hono}` },
          },
          "deno.lock": {
            version: "5",
            specifiers: { [`npm:hono@${hono}`]: hono },
            npm: { [`hono@${hono}`]: {} },
            workspace: { dependencies: [`npm:hono@${hono}`] },
          },
        });
        copyPackage("hono", world.path(`app/node_modules/.deno/hono@${hono}/node_modules/hono`));
        // Vendors the module, which no server has when the app runs.
        await runPeer("deno", ["cache", "--vendor", "--no-lock", address], { cwd: world.path("app") });
        await new Promise((resolve) => server.close(resolve));
        const { code, err } = await world.gcrane(`build ${world.path("app")} --base ${base} -t ${app} --sbom none`);
        assertEquals(code, 0, err);
        await withRunning(world, { image: app, env: { DENO_DIR: "/tmp/deno" } }, async (address) => {
          assertEquals(await (await fetch(address)).text(), "hello from Deno");
        });
      }),
  );
}, { skip: once() });

const DENO_SERVER = `
import { Hono } from "hono";
const app = new Hono();
app.get("/", (c) => c.text(greeting + " from " + ("Deno" in globalThis ? "Deno" : "elsewhere")));
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, app.fetch);
console.log("http://127.0.0.1:" + (server.addr as Deno.NetAddr).port);
`;

const BUN_SERVER = `
import { Hono } from "hono";
const app = new Hono();
app.get("/", (c) => c.text(\`hello from \${"Bun" in globalThis ? "Bun" : "elsewhere"} in \${process.env.NODE_ENV as string}\`));
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
console.log(\`http://127.0.0.1:\${server.port}\`);
`;

const SERVER = `
import { createServer } from "node:http";
import { Hono } from "hono";
const app = new Hono();
app.get("/", (c) => c.text(\`hello from \${process.getuid()} in \${process.env.NODE_ENV} with \${process.argv[2]}\`));
const server = createServer(async (request, response) => {
  const answer = await app.fetch(new Request(new URL(request.url, "http://localhost")));
  response.end(await answer.text());
});
server.listen(0, "127.0.0.1", () => console.log(\`http://127.0.0.1:\${server.address().port}\`));
`;
