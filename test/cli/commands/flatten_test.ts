import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { type Image, layerFromBytes, randomImage, randomIndex, validateIndex } from "../../../src/image/mod.ts";
import { appendLayers, appendManifests } from "../../../src/mutate/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { type TarWriteEntry, writeTar } from "../../../src/tar/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

function puller(world: World): Puller {
  return new Puller({ fetch: world.fetch });
}

async function withFiles(base: Image, files: Record<string, string>): Promise<Image> {
  const entries = Object.entries(files).map(([path, text]): TarWriteEntry => ({
    path,
    content: new TextEncoder().encode(text),
  }));
  const tar = new Uint8Array(await new Response(writeTar(entries)).arrayBuffer());
  return appendLayers(base, [await layerFromBytes(tar)]);
}

describe("gcrane flatten", () => {
  it("makes one layer of all, and reads each once", () =>
    inWorld(async (world) => {
      const lower = await withFiles(randomImage({ layers: 1 }), { a: "one", b: "two" });
      await world.push(await withFiles(lower, { ".wh.a": "", c: "three" }), `${app}:v1`);
      const before = await world.data(`digest ${app}:v1`);
      world.requests.length = 0;
      const pushed = await world.unmoved(`flatten ${app}:v1`);
      assertMatch(pushed, /^registry\.example\.com\/app@sha256:[0-9a-f]{64}\n$/);
      // Three layers and the config are read, one layer and the config are sent.
      const blobs = world.requests.filter((request) => /^(GET|PUT) .*\/blobs\//.test(request));
      assertEquals(blobs.map((request) => request.slice(0, 3)).sort(), ["GET", "GET", "GET", "GET", "PUT", "PUT"]);
      assertEquals(await world.data(`digest ${app}:v1`), before);
      assertEquals(await world.data(`validate ${pushed.trim()}`), `PASS: ${pushed}`);
      const image = await puller(world).image(parseReference(pushed.trim()));
      assertEquals((await image.layers()).length, 1);
      const { history } = await image.configFile();
      assertEquals(history?.map((step) => step.created_by), [`gcrane flatten ${before.trim()}`]);
      assertEquals(
        await world.data(`export ${pushed.trim()}`),
        await world.data(`export ${app}:v1`),
      );
    }));

  it("flattens every image of an index, whose attestations go", () =>
    inWorld(async (world) => {
      const attestation = { member: randomImage(), platform: { os: "unknown", architecture: "unknown" } };
      await world.push(appendManifests(randomIndex({ images: 2, layers: 2 }), [attestation]), `${app}:v1`);
      const pushed = await world.data(`flatten ${app}:v1 --compression zstd -t ${app}:flat`);
      assertEquals(pushed, await world.data(`digest --full-ref ${app}:flat`));
      const index = await puller(world).index(parseReference(`${app}:flat`));
      const children = await index.children();
      assertEquals(children.length, 2);
      for (const { view } of children) {
        assert(view.kind === "image");
        const [layer, ...more] = await view.layers();
        assertEquals([more.length, await layer.mediaType()], [0, "application/vnd.oci.image.layer.v1.tar+zstd"]);
      }
      await validateIndex(index);
    }));
});
