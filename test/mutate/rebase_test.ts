import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ManifestError, ValidationError } from "../../src/errors.ts";
import { emptyImage, type Image, validateImage } from "../../src/image/mod.ts";
import { changeImage, mapIndex, rebaseImage } from "../../src/mutate/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type History, layerMediaType, MediaType } from "../../src/spec/mod.ts";
import { type ImageParts, type Json, MemorySource, tarOf } from "../make/memory_source.ts";
import {
  AMD64,
  ARM64,
  asDocker,
  baseImage,
  DOCKER,
  imageIn,
  platformIndex,
  sentConfig,
  sentManifest,
  unread,
} from "./edit_bases.ts";

const NAME = "org.opencontainers.image.base.name";
const DIGEST = "org.opencontainers.image.base.digest";

const [A, B, C, D, X] = await Promise.all(["a", "b", "c", "d", "x"].map((name) => tarOf({ [name]: name })));

const layer = (created_by: string): History => ({ created_by });
const setting = (created_by: string): History => ({ created_by, empty_layer: true });
const OLD_HISTORY = [layer("a"), setting("env"), layer("b"), setting("cmd")];
const TOP_HISTORY = [setting("label"), layer("c"), setting("user"), layer("d")];
const NEW_HISTORY = [setting("new env"), layer("x"), setting("new cmd")];

/** What an image is made of, as it matters here. */
interface Stack {
  layers: Bytes[];
  history?: readonly History[];
  more?: Partial<ImageParts>;
  config?: Json;
}

async function imageOf(source: MemorySource, { layers, history, more, config }: Stack): Promise<Image> {
  return await imageIn(source, {
    layers,
    ...more,
    config: (json) => Object.assign(json, config, history ? { history } : {}),
  });
}

/** Creates an image on a base, and another base; parts can be overridden. */
async function world(parts: { oldBase?: Partial<Stack>; original?: Partial<Stack>; newBase?: Partial<Stack> } = {}) {
  const source = new MemorySource();
  const images = {
    oldBase: await imageOf(source, { layers: [A, B], history: OLD_HISTORY, ...parts.oldBase }),
    original: await imageOf(source, {
      layers: [A, B, C, D],
      history: [...OLD_HISTORY, ...TOP_HISTORY],
      ...parts.original,
    }),
    newBase: await imageOf(source, { layers: [X], history: NEW_HISTORY, ...parts.newBase }),
  };
  return { source, ...images };
}

async function layerDigests(image: Image): Promise<string[]> {
  return (await sentManifest(image)).layers.map(({ digest }) => digest);
}

async function historyOf(image: Image): Promise<readonly History[] | null | undefined> {
  return (await sentConfig(image)).history;
}

describe("rebaseImage", () => {
  it("puts the upper layers on the new base, and tells their history after the new base's", async () => {
    const { oldBase, original, newBase } = await world();
    const image = rebaseImage(original, { oldBase, newBase });
    assertEquals(await layerDigests(image), [
      ...await layerDigests(newBase),
      ...(await layerDigests(original)).slice(2),
    ]);
    assertEquals(await historyOf(image), [...NEW_HISTORY, ...TOP_HISTORY]);
    await validateImage(image);
    await validateImage(original);
  });

  it("keeps how the original is run, and takes the platform from the new base", async () => {
    const { oldBase, original, newBase } = await world({
      oldBase: { config: { config: { Env: ["OLD=1"] } } },
      original: {
        config: {
          config: { Env: ["OLD=1", "OWN=2"], Labels: { a: "1" } },
          author: "me",
          created: "2024-01-01T00:00:00Z",
          ownField: 1,
          variant: "v1",
          "os.features": ["gone"],
        },
      },
      newBase: {
        config: { config: { Env: ["NEW=1"] }, author: "other", "os.version": "10.0" },
        more: { platform: ARM64 },
      },
    });
    const { rootfs: _, history: __, ...config } = await sentConfig(rebaseImage(original, { oldBase, newBase }));
    assertEquals(config as Json, {
      ...ARM64,
      "os.version": "10.0",
      config: { Env: ["OLD=1", "OWN=2"], Labels: { a: "1" } },
      author: "me",
      created: "2024-01-01T00:00:00Z",
      ownField: 1,
    });
  });

  it("says what the image is based on now", async () => {
    const { oldBase, original, newBase } = await world({
      original: {
        more: { manifest: (json) => json.annotations = { kept: "1", [NAME]: "example.com/old:1", [DIGEST]: "old" } },
      },
    });
    const digest = `sha256:${"a".repeat(64)}` as const;
    const annotations = async (said: { name?: string; digest?: typeof digest }) =>
      (await sentManifest(rebaseImage(original, { oldBase, newBase, ...said }))).annotations;
    assertEquals(await annotations({}), { kept: "1", [DIGEST]: await newBase.digest() });
    assertEquals(await annotations({ name: "example.com/new:1", digest }), {
      kept: "1",
      [NAME]: "example.com/new:1",
      [DIGEST]: digest,
    });
  });

  it("gives the new layers the types of the original's family", async () => {
    const { oldBase, original, newBase } = await world({ original: { more: { manifest: asDocker } } });
    const { mediaType, config, layers } = await sentManifest(rebaseImage(original, { oldBase, newBase }));
    assertEquals([mediaType, config.mediaType], [DOCKER, MediaType.DockerConfigJson]);
    assertEquals(new Set(layers.map(({ mediaType }) => mediaType)), new Set([layerMediaType(DOCKER, "gzip")]));
  });

  it("knows a base that is compressed in another way", async () => {
    const { oldBase, original, newBase } = await world({ oldBase: { more: { compression: "zstd" } } });
    const image = rebaseImage(original, { oldBase, newBase });
    assertEquals((await layerDigests(image)).slice(1), (await layerDigests(original)).slice(2));
    await validateImage(image);
  });

  it("changes nothing for the base that it has, and comes back from another", async () => {
    const { oldBase, original, newBase } = await world();
    const named = rebaseImage(original, { oldBase, newBase: oldBase, name: "example.com/base:1" });
    assertEquals(await named.rawConfigFile(), await original.rawConfigFile());
    const again = rebaseImage(named, { oldBase, newBase: oldBase, name: "example.com/base:1" });
    assertEquals(await again.digest(), await named.digest());
    const back = rebaseImage(rebaseImage(original, { oldBase, newBase }), { oldBase: newBase, newBase: oldBase });
    assertEquals(await back.configFile(), { ...await original.configFile(), config: {} });
    assertEquals(await layerDigests(back), await layerDigests(original));
  });

  it("takes a base for an image of nothing else, and bases of no layers", async () => {
    const { oldBase, newBase, original } = await world();
    const whole = rebaseImage(oldBase, { oldBase, newBase });
    assertEquals(await layerDigests(whole), await layerDigests(newBase));
    assertEquals(await historyOf(whole), NEW_HISTORY);
    const empty = emptyImage({ platform: AMD64 });
    const below = rebaseImage(original, { oldBase: empty, newBase });
    assertEquals(await layerDigests(below), [...await layerDigests(newBase), ...await layerDigests(original)]);
    assertEquals(await historyOf(below), [...NEW_HISTORY, ...OLD_HISTORY, ...TOP_HISTORY]);
    const bare = rebaseImage(original, { oldBase, newBase: empty });
    assertEquals(await historyOf(bare), TOP_HISTORY);
    for (const image of [whole, below, bare]) await validateImage(image);
  });

  it("reads manifests and configs alone, and nothing before somebody asks", async () => {
    rebaseImage(unread<Image>("image"), { oldBase: unread<Image>("image"), newBase: unread<Image>("image") });
    const { source, oldBase, original, newBase } = await world();
    const image = rebaseImage(original, { oldBase, newBase });
    assert(await image.digestKnown());
    await image.digest();
    const configs = await Promise.all([oldBase, original, newBase].map((image) => image.configName()));
    assertEquals(source.opened.toSorted(), configs.toSorted());
  });

  it("maps over an index", async () => {
    const { source, index } = await platformIndex();
    const oldBase = emptyImage();
    const newBase = await imageOf(source, { layers: [X], history: NEW_HISTORY });
    const mapped = mapIndex(index, (image) => rebaseImage(image, { oldBase, newBase }));
    const [first] = await mapped.children();
    assertEquals((await layerDigests(first.view as Image))[0], (await layerDigests(newBase))[0]);
  });
});

describe("the history of a rebased image", () => {
  const cases: [string, Parameters<typeof world>[0], (History | undefined)[] | undefined][] = [
    ["is none where there was none", {
      oldBase: { history: undefined },
      original: { history: undefined },
      newBase: { history: undefined },
    }, undefined],
    ["has empty steps for a new base that tells nothing", { newBase: { history: undefined } }, [
      {},
      ...TOP_HISTORY,
    ]],
    ["has empty steps for an original that tells nothing", { original: { history: undefined } }, [
      ...NEW_HISTORY,
      {},
      {},
    ]],
    ["has empty steps for an original that tells only of its base", { original: { history: OLD_HISTORY } }, [
      ...NEW_HISTORY,
      {},
      {},
    ]],
    ["counts layers where the old base tells nothing", { oldBase: { history: undefined } }, [
      ...NEW_HISTORY,
      setting("cmd"),
      ...TOP_HISTORY,
    ]],
    ["counts layers where the original tells its base otherwise", {
      original: { history: [layer("a"), layer("b"), ...TOP_HISTORY] },
    }, [...NEW_HISTORY, ...TOP_HISTORY]],
  ];
  for (const [name, parts, expected] of cases) {
    it(name, async () => {
      const { oldBase, original, newBase } = await world(parts);
      const image = rebaseImage(original, { oldBase, newBase });
      assertEquals(await historyOf(image) as unknown, expected);
      await validateImage(image);
    });
  }
});

describe("rebase refuses", () => {
  async function messageOf(parts: Parameters<typeof world>[0]): Promise<string> {
    const { oldBase, original, newBase } = await world(parts);
    const image = rebaseImage(original, { oldBase, newBase });
    for (const read of [() => image.layers(), () => image.configFile(), () => image.rawManifest()]) {
      await assertRejects(read, ValidationError);
    }
    return (await assertRejects(() => image.digest(), ValidationError)).message;
  }

  it("a base that is not the image's, and says which layer differs", async () => {
    const { oldBase, original } = await world();
    const newBase = await imageOf(new MemorySource(), { layers: [A, X] });
    const error = await assertRejects(
      () => rebaseImage(original, { oldBase: newBase, newBase }).digest(),
      ValidationError,
    );
    const [, x] = (await newBase.configFile()).rootfs.diff_ids;
    const [, b] = (await oldBase.configFile()).rootfs.diff_ids;
    assertEquals(
      error.message,
      `image ${await original.digest()} is not based on image ${await newBase.digest()}: ` +
        `its layer 2 has the diff id ${b} where the base has ${x}`,
    );
    assert(error.hint);
  });

  it("a base with more layers than the image", async () => {
    const message = await messageOf({ oldBase: { layers: [A, B, C, D, X] } });
    assert(message.endsWith("it has 4 layers, and the base 5"), message);
  });

  it("images whose layers disagree with their configs", async () => {
    const config = { rootfs: { type: "layers", diff_ids: [] } };
    for (const name of ["oldBase", "original", "newBase"]) {
      const message = await messageOf({ [name]: { config } });
      assert(/has 0 diff ids where its image has \d layers/.test(message), message);
    }
  });

  it("histories that tell of more layers than there are", async () => {
    for (const name of ["oldBase", "original", "newBase"]) {
      const { oldBase, original, newBase } = await world({ [name]: { history: Array(9).fill(layer("too many")) } });
      const image = rebaseImage(original, { oldBase, newBase });
      const error = await assertRejects(() => image.digest(), ValidationError);
      assert(/has 9 layers where the image has \d/.test(error.message), error.message);
    }
  });

  it("an artifact", async () => {
    const { base } = await baseImage({ manifest: (json) => json.config.mediaType = "application/x-config" });
    const image = rebaseImage(base, { oldBase: base, newBase: changeImage(base, { annotations: { a: "b" } }) });
    await assertRejects(() => image.digest(), ManifestError);
  });
});
