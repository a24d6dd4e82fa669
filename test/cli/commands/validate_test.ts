import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { randomImage, randomIndex } from "../../../src/image/mod.ts";
import { writeTarballFile } from "../../../src/tarball/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const repository = "registry.example.com/team/app";
const image = randomImage({ seed: 1 });

/** A registry whose blob of one digest has other bytes, of the same length. */
function corrupting(world: World, digest: string): typeof fetch {
  return async (input, init) => {
    const answer = await world.fetch(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (!pathname.endsWith(`/blobs/${digest}`) || (init?.method ?? "GET") !== "GET") return answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    bytes[bytes.length >> 1] ^= 1;
    return new Response(bytes, { headers: answer.headers });
  };
}

describe("gcrane validate", () => {
  it("prints PASS for each image, file and index that is right", () =>
    inWorld(async (world) => {
      await world.push(image, `${repository}:v1`);
      await world.push(randomIndex({ seed: 2 }), `${repository}:all`);
      const file = world.path("app.tar");
      await writeTarballFile(file, [{ reference: "app:v1", image }]);
      assertEquals(
        await world.data(`validate ${repository}:v1 --remote ${repository}:all --tarball ${file}`),
        `PASS: ${repository}:v1\nPASS: ${repository}:all\nPASS: ${file}\n`,
      );
    }));

  it("prints FAIL and why for those that are not, checks the others, and ends with 1", () =>
    inWorld(async (world) => {
      await world.push(image, `${repository}:v1`);
      const other = await world.push(randomImage({ seed: 3 }), `${repository}:v2`);
      const [layer] = await image.layers();
      const fetch = corrupting(world, await layer.digest());
      const { code, out, err } = await world.gcrane(
        `validate ${repository}:v1 ${repository}@${other} ${repository}:v3`,
        { fetch },
      );
      assertEquals([code, err], [1, ""]);
      const [v1, v2, v3, end] = out.split("\n");
      assertMatch(v1, new RegExp(`^FAIL: ${repository}:v1: .*${await layer.digest()}`));
      assertEquals(v2, `PASS: ${repository}@${other}`);
      assertMatch(v3, new RegExp(`^FAIL: ${repository}:v3: GET .*404`));
      assertEquals(end, "");
    }));

  it("--fast reads no layer", () =>
    inWorld(async (world) => {
      await world.push(image, `${repository}:v1`);
      const [layer] = await image.layers();
      const fetch = corrupting(world, await layer.digest());
      assertEquals(await world.data(`validate --fast ${repository}:v1`, { fetch }), `PASS: ${repository}:v1\n`);
    }));

  it("finds a tarball that is damaged or cut short", () =>
    inWorld(async (world) => {
      await writeTarballFile(world.path("app.tar"), [{ reference: "app:v1", image }]);
      const whole = readFileSync(world.path("app.tar"));
      const [layer] = await image.layers();
      const at = whole.indexOf((await layer.digest()).slice("sha256:".length)) + 1024;
      const damaged = Uint8Array.from(whole, (byte, index) => index === at ? byte ^ 1 : byte);
      for (const [name, content] of [["damaged", damaged], ["short", whole.subarray(0, 3000)]] as const) {
        const file = world.write(`${name}.tar`, content);
        const { code, out, err } = await world.gcrane(`validate --tarball ${file}`);
        assertEquals([code, err], [1, ""]);
        assertMatch(out, new RegExp(`^FAIL: ${file}: .+\n$`));
      }
    }));

  it("--platform checks that image of an index alone", () =>
    inWorld(async (world) => {
      const platforms = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
      const index = randomIndex({ seed: 4, platforms });
      await world.push(index, `${repository}:all`);
      const [, arm64] = await index.children();
      const [layer] = arm64.view.kind === "image" ? await arm64.view.layers() : [];
      const fetch = corrupting(world, await layer.digest());
      assertEquals(
        await world.data(`validate --platform linux/amd64 ${repository}:all`, { fetch }),
        `PASS: ${repository}:all\n`,
      );
      assertEquals((await world.gcrane(`validate ${repository}:all`, { fetch })).code, 1);
    }));

  it("wants to be given something", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane("validate");
      assertEquals([code, out, err.split("\n")[0]], [
        2,
        "",
        "Error: no image to validate is given — name an image, or a file with --tarball",
      ]);
    }));
});
