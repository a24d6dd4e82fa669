import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Image } from "../../src/image/mod.ts";
import { layerFromBytes } from "../../src/image/mod.ts";
import { appendLayers, appendManifests, changeImage, changeIndex } from "../../src/mutate/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import { collect } from "../make/streams.ts";
import { baseImage, imageIn, sentConfig, sentManifest } from "./edit_bases.ts";

/** A number as this text in the JSON that a test writes. */
const number = (text: string) => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);

async function configText(image: Image): Promise<string> {
  return new TextDecoder().decode(await collect(await (await image.configLayer()).compressed()));
}

const layer = async (): Promise<Bytes> => await tarOf({ added: "1" });

/** The edits that write a config anew. */
const EDITS: Record<string, (base: Image) => Promise<Image> | Image> = {
  "changeImage": (base) => changeImage(base, { labels: { a: "b" } }),
  "appendLayers": async (base) => appendLayers(base, [await layerFromBytes(await layer())]),
};

for (const [name, edit] of Object.entries(EDITS)) {
  describe(`${name} of an image`, () => {
    it("keeps the text of numbers that it does not change", async () => {
      const { base } = await baseImage({
        config(config) {
          config.own = [number("9007199254740993"), { deep: number("1.0") }, 1];
          config.config = { Healthcheck: { Interval: number("12345678901234567890") }, Cmd: ["a"] };
        },
      });
      const text = await configText(await edit(base));
      assertStringIncludes(text, '"own":[9007199254740993,{"deep":1.0},1]');
      assertStringIncludes(text, '"Healthcheck":{"Interval":12345678901234567890}');
    });

    it("takes a field in another case for the known one, as Go does", async () => {
      const { base } = await baseImage({
        config(config) {
          config.Config = { env: ["A=b"], CMD: ["a"], big: number("9007199254740993") };
          config.History = [{ Created_By: "a" }, { Created_By: "b" }];
          config.RootFS = config.rootfs;
          delete config.rootfs;
        },
      });
      const { config, Config, history, History, RootFS } = await sentConfig(await edit(base));
      assertEquals([config?.Env, config?.Cmd, config?.env, Config], [["A=b"], ["a"], undefined, undefined]);
      assertEquals([history?.[1].created_by, History, RootFS], ["b", undefined, undefined]);
      assertStringIncludes(await configText(await edit(base)), '"big":9007199254740993');
    });

    it("keeps the text of numbers in the manifest, and knows its fields in any case", async () => {
      const { base } = await baseImage({
        manifest(manifest) {
          manifest.own = [number("9007199254740993"), { deep: number("1.0") }];
          manifest.config.own = number("12345678901234567890");
          manifest.Layers = manifest.layers.map(({ digest, ...rest }: Json) => ({ Digest: digest, ...rest }));
          delete manifest.layers;
        },
      });
      const edited = await edit(base);
      assertEquals((await sentManifest(edited)).layers.length, (await edited.layers()).length);
      const text = new TextDecoder().decode(await edited.rawManifest());
      assertStringIncludes(text, '"own":[9007199254740993,{"deep":1.0}]');
      assertEquals([text.includes("Layers"), text.includes("Digest")], [false, false]);
    });

    it("keeps the annotations of the config's descriptor", async () => {
      const annotations = { note: "kept" };
      const { base } = await baseImage({ manifest: (manifest) => manifest.config.annotations = annotations });
      assertEquals((await sentManifest(await edit(base))).config.annotations, annotations);
    });
  });
}

describe("an edited index", () => {
  it("keeps the text of numbers that it does not change", async () => {
    const source = new MemorySource();
    const descriptor = await source.addIndex([], (index) => index.own = number("9007199254740993"));
    const edited = changeIndex(source.index(descriptor), { annotations: { a: "b" } });
    assertStringIncludes(new TextDecoder().decode(await edited.rawManifest()), '"own":9007199254740993');
  });

  it("leaves a distinct member out where it is listed already, in whatever order its fields are", async () => {
    const source = new MemorySource();
    const image = await imageIn(source);
    const platform = { architecture: "amd64", os: "linux" };
    const { mediaType, digest, size } = await image.descriptor();
    const index = source.index(await source.addIndex([{ platform, size, digest, mediaType }]));
    const appended = appendManifests(index, [{ member: image, distinct: true }]);
    assertEquals(await appended.digest(), await index.digest());
    const other = appendManifests(index, [{ member: image, distinct: true, annotations: { a: "b" } }]);
    assertEquals((await other.manifest()).manifests.length, 2);
  });
});

describe("a config without edits", () => {
  it("keeps its bytes, whatever the case of its fields", async () => {
    const { base } = await baseImage({ config: (config) => config.Config = { env: ["A=b"] } });
    const same = changeImage(base, { env: { A: "b" } });
    assertEquals(await same.rawConfigFile(), await base.rawConfigFile());
    assertEquals(await same.digest(), await base.digest());
    assertEquals(utf8(await configText(same)), await base.rawConfigFile());
  });
});
