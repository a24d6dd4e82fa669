import { assertEquals } from "@std/assert";
import { inWorld } from "../make/command_world.ts";
import { writeNpmApp } from "../make/app_folder.ts";
import { programBase } from "../make/runtime_base.ts";
import { withRunning } from "../make/run_image.ts";
import { describePeer, pathOf } from "../peers/mod.ts";
import { it } from "node:test";
import { once } from "../project/applicable.ts";

const [base, app] = ["registry.example.com/base:v1", "registry.example.com/app:v1"];

describePeer("an image of an app for Node.js", ["node 24", "chroot", "tar"], () => {
  it("answers over HTTP as the user nonroot", { timeout: 120_000 }, () =>
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
