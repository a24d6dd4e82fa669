import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { randomImage } from "../../../src/image/mod.ts";
import { inFolder } from "../../make/folders.ts";
import { inWorld } from "../../make/command_world.ts";
import { withEngine } from "../../fakes/fake_engine.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const config = JSON.stringify({ HttpHeaders: { "X-Meta-Team": "blue", "X-Gate": "s3cret" } });

describe("HttpHeaders of docker's config", () => {
  it("that begin with X-Meta- go to the registry, and to no other host", async () => {
    await inWorld(async (world) => {
      mkdirSync(world.environment.DOCKER_CONFIG, { recursive: true });
      writeFileSync(join(world.environment.DOCKER_CONFIG, "config.json"), config);
      await world.push(await randomImage(), "registry.example.com/app:v1");
      const seen: string[] = [];
      const fetch: typeof globalThis.fetch = (input, init) => {
        const { host, pathname } = new URL(String(input));
        const headers = new Headers(init?.headers);
        seen.push(`${host} ${headers.get("x-meta-team")} ${headers.get("x-gate")}`);
        if (host === "registry.example.com" && pathname.includes("/manifests/")) {
          const location = `https://cdn.example.com${pathname}`;
          return Promise.resolve(new Response(null, { status: 307, headers: { location } }));
        }
        return world.fetch(input, init);
      };
      const { code, err } = await world.gcrane("digest registry.example.com/app:v1", { fetch });
      assertEquals([code, err], [0, ""]);
      assertEquals(new Set(seen), new Set(["registry.example.com blue null", "cdn.example.com null null"]));
    });
  });

  it("all go to an engine", async () => {
    await withEngine({}, async (engine) => {
      await inFolder(async (folder) => {
        writeFileSync(join(folder, "config.json"), config);
        await inWorld(async (world) => {
          const environment = { DOCKER_HOST: engine.host, DOCKER_CONFIG: folder };
          await world.gcrane("config daemon://example.com/a:v1", { environment });
          const { headers } = engine.seen[0];
          assertEquals([headers["x-meta-team"], headers["x-gate"]], ["blue", "s3cret"]);
        });
      });
    });
  });

  it("that are not valid are an error without their value", async () => {
    await inWorld(async (world) => {
      mkdirSync(world.environment.DOCKER_CONFIG, { recursive: true });
      const path = join(world.environment.DOCKER_CONFIG, "config.json");
      for (const headers of [{ "X-Meta-A": "s3\ncret" }, { "a b": "s3cret" }, { A: 1 }, "s3cret"]) {
        writeFileSync(path, JSON.stringify({ HttpHeaders: headers }));
        const { code, err } = await world.gcrane("digest registry.example.com/app:v1");
        assertMatch(err, /config\.json: "HttpHeaders" .* — fix the file/);
        assertEquals([code, err.includes("cret")], [1, false]);
      }
    });
  });
});
