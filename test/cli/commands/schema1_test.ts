import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { MediaType } from "../../../src/spec/mod.ts";
import { readTar, writeTar } from "../../../src/tar/mod.ts";
import { digestOf, fakeFetch, FakeRegistry } from "../../fakes/mod.ts";
import { utf8 } from "../../make/bytes.ts";
import { inWorld } from "../../make/command_world.ts";
import { collect, streamOf } from "../../make/streams.ts";

const name = "registry.example.com/old/app:v1";

/** A registry with an image of schema 1: two layers, between them a step that changed no file. */
async function oldRegistry(change: (manifest: Record<string, unknown>) => object = (manifest) => manifest) {
  const registry = new FakeRegistry();
  const layer = async (files: Record<string, string>) => {
    const entries = Object.entries(files).map(([path, text]) => ({ path, content: utf8(text) }));
    return gzipSync(await collect(writeTar(entries)));
  };
  const [lower, upper] = [await layer({ a: "one", b: "two" }), await layer({ ".wh.a": "", c: "three" })];
  for (const blob of [lower, upper]) registry.addBlob("old/app", new Uint8Array(blob));
  const empty = { blobSum: `sha256:${"a3".repeat(32)}` };
  const step = (v1: object) => ({ v1Compatibility: JSON.stringify(v1) });
  const manifest = change({
    schemaVersion: 1,
    name: "old/app",
    tag: "v1",
    architecture: "amd64",
    fsLayers: [{ blobSum: digestOf(upper) }, empty, { blobSum: digestOf(lower) }],
    history: [
      step({
        id: "3",
        architecture: "amd64",
        os: "linux",
        config: { Cmd: ["/c"] },
        container_config: { Cmd: ["COPY", "c"] },
      }),
      step({ id: "2", throwaway: true, container_config: { Cmd: ["CMD", "/c"] } }),
      step({ id: "1", container_config: { Cmd: ["ADD", "a", "b"] } }),
    ],
  });
  const bytes = utf8(JSON.stringify(manifest));
  registry.addManifest("old/app", { bytes, mediaType: MediaType.DockerManifestSchema1 }, "v1");
  return {
    fetch: fakeFetch({ "https://registry.example.com": registry.handle }).fetch,
    text: JSON.stringify(manifest),
  };
}

describe("images of schema 1", () => {
  it("export writes the files, of the layers that its history keeps", () =>
    inWorld(async (world) => {
      const { fetch } = await oldRegistry();
      for (const as of ["gcrane", "crane"]) {
        const { code, err, io } = await world.gcrane(`export ${name} - --as ${as}`, { fetch });
        assertEquals([code, err], [0, ""]);
        const paths: string[] = [];
        for await (const { path } of readTar(streamOf(io.outBytes))) paths.push(path);
        assertEquals(paths.sort(), ["b", "c"]);
      }
    }));

  it("manifest prints the bytes", () =>
    inWorld(async (world) => {
      const { fetch, text } = await oldRegistry();
      assertEquals(await world.data(`manifest ${name}`, { fetch }), text);
    }));

  it("export of a damaged one fails, and names what is wrong", () =>
    inWorld(async (world) => {
      for (
        const [history, message] of [
          [[], "a schema 1 manifest has a step of history for each layer"],
          [[{}, {}, {}], "history[0] has no v1Compatibility"],
          [[{ v1Compatibility: "{" }, {}, {}], "history[0]"],
        ] as const
      ) {
        const { fetch } = await oldRegistry((manifest) => ({ ...manifest, history }));
        const { code, out, err } = await world.gcrane(`export ${name} -`, { fetch });
        assertEquals([code, out], [1, ""]);
        assertMatch(err, /^Error: [^\n]+\n$/);
        assertStringIncludes(err, message);
      }
    }));

  it("commands that change an image still refuse it", () =>
    inWorld(async (world) => {
      const { fetch } = await oldRegistry();
      const { code, err } = await world.gcrane(`mutate ${name} -l a=b`, { fetch });
      assertEquals(code, 1);
      assertStringIncludes(err, "is a schema 1 manifest, which can be copied but not opened");
    }));
});
