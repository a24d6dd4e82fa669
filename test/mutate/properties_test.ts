import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  type Image,
  layerFromBytes,
  matchDigests,
  randomLayer,
  validateImage,
  validateIndex,
} from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import {
  appendLayers,
  appendManifests,
  canonical,
  changeImage,
  changeIndex,
  editImage,
  flattenImage,
  mapIndex,
  matchAttestations,
  rebaseImage,
  recompress,
  removeManifests,
  time,
} from "../../src/mutate/mod.ts";
import { isConfig, isLayer, type Platform } from "../../src/spec/mod.ts";
import { type Json, MemorySource } from "../make/memory_source.ts";
import { Random } from "../make/random.ts";
import { asDocker, DOCKER, imageIn, OCI, sentConfig, sentManifest } from "./edit_bases.ts";
import { file, tarOf } from "../make/entry_layers.ts";

const IMAGES = 150;
const INDEXES = 30;

const KINDS = ["none", "gzip", "zstd"] as const;
const NAMES = ["a", "b", "c"];
const PLATFORMS: Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64", variant: "v8" },
  { os: "windows", architecture: "amd64", "os.version": "10.0.1" },
];

/** An edit, and what to call it in a story. It gives the same edit each time. */
interface Edit {
  name: string;
  apply(image: Image): Image;
}

/** A tar of a few files that hide one another in other layers. */
async function randomTar(random: Random) {
  const paths = new Set(Array.from({ length: random.integer(0, 4) }, () => {
    const name = random.pick(NAMES);
    return random.pick([name, `d/${name}`, `d/.wh.${name}`]);
  }));
  return await tarOf([...paths].map((path) =>
    file(path, path.includes(".wh.") ? "" : String(random.next()), {
      mtime: random.integer(0, 2_000_000_000),
      ...(random.chance(0.3) ? { atime: random.integer(0, 9), pax: [["SCHILY.xattr.user.a", random.bytes(5)]] } : {}),
    })
  ));
}

/** Creates an image with a full history, as from a builder. */
async function randomBase(random: Random, source: MemorySource, platform = random.pick(PLATFORMS)): Promise<Image> {
  const layers = await Promise.all(Array.from({ length: random.integer(0, 4) }, () => randomTar(random)));
  const history: Json[] = layers.map((_, i) => ({ created_by: `layer ${i}`, created: "2020-01-01T00:00:00Z" }));
  for (let count = random.integer(0, 3); count > 0; count--) {
    history.splice(random.integer(0, history.length), 0, { created_by: "setting", empty_layer: true, author: "me" });
  }
  const compression = random.pick(KINDS);
  return await imageIn(source, {
    layers,
    compression,
    platform,
    config: (json) => {
      Object.assign(json, { history, ownField: random.next() });
      if (random.chance(0.8)) json.config = { Env: ["A=1", "B=2"], Labels: random.chance(0.5) ? { a: "1" } : null };
      if (random.chance(0.5)) json.created = "2020-01-01T00:00:00Z";
    },
    manifest: (json) => {
      if (compression === "gzip" && random.chance(0.5)) asDocker(json);
      if (random.chance(0.5)) json.annotations = { a: "1" };
      if (random.chance(0.3)) delete json.mediaType;
      for (const layer of json.layers) if (random.chance(0.3)) layer.annotations = { of: "the layer" };
    },
  });
}

async function randomEdit(random: Random, source: MemorySource): Promise<Edit> {
  const some = <T>(values: readonly T[]) => values.filter(() => random.chance(0.5));
  const changes = () => Object.fromEntries(some(NAMES).map((name) => [name, random.pick([null, "1", "2"])]));
  const entries = () => Object.fromEntries(some(NAMES).map((name) => [name, random.chance(0.5)]));
  const date = new Date(random.integer(0, 2_000_000_000) * 1000);
  const level = random.integer(1, 3);
  const kind = random.pick(KINDS);
  const tar = await randomTar(random);
  const seed = random.integer(0, 1000);
  const edits: Record<string, () => (image: Image) => Image> = {
    config: () => {
      const said = {
        labels: random.pick([changes(), null]),
        env: changes(),
        user: random.pick([undefined, null, "me"]),
        entrypoint: random.pick([undefined, null, ["/a"]]),
        exposedPorts: random.pick([undefined, null, some(NAMES), entries()]),
        created: random.pick([undefined, null, date]),
        platform: random.pick([undefined, ...PLATFORMS]),
      };
      return (image) => changeImage(image, said);
    },
    manifest: () => {
      const said = { annotations: random.pick([changes(), null]), artifactType: random.pick([undefined, null, "x/y"]) };
      return (image) => changeImage(image, said);
    },
    "media type": () => {
      const mediaType = random.pick([OCI, DOCKER]);
      return (image) => changeImage(image, { mediaType });
    },
    append: () => (image) => appendLayers(image, [{ layer: randomLayer({ seed, size: 10, compression: kind }) }]),
    reorder: () => (image) =>
      editImage(image, {
        layers: (layers) => layers.toReversed(),
        configFile: (config) => ({ ...config, history: config.history?.toReversed() }),
      }),
    "put below": () => (image) =>
      editImage(image, {
        layers: async (layers) => [await layerFromBytes(tar, { compression: kind }), ...layers],
        configFile: (config) => ({ ...config, history: [{ created_by: "below" }, ...config.history ?? []] }),
      }),
    recompress: () => (image) => recompress(image, kind, { level }),
    time: () => (image) => time(image, date),
    canonical: () => (image) => canonical(image),
    flatten: () => (image) => flattenImage(image, { compression: kind, history: { created_by: "flatten" } }),
    nothing: () => (image) => editImage(image, {}),
  };
  if (random.chance(0.15)) {
    const [oldBase, newBase] = [await randomBase(random, source), await randomBase(random, source)];
    const apply = (image: Image) => {
      const upon = editImage(image, {
        layers: async (layers) => [...await oldBase.layers(), ...layers],
        configFile: async (config) => ({
          ...config,
          history: [...(await oldBase.configFile()).history ?? [], ...config.history ?? []],
        }),
      });
      return rebaseImage(upon, { oldBase, newBase });
    };
    return { name: "rebase", apply };
  }
  const name = random.pick(Object.keys(edits));
  return { name, apply: edits[name]() };
}

/** Runs a property for a seed, and reports the edits of one that does not hold. */
async function holds(seed: number, edits: readonly Edit[], property: () => Promise<void>): Promise<void> {
  try {
    await property();
  } catch (error) {
    throw new Error(`seed ${seed}: ${edits.map(({ name }) => name).join(", ")}: ${error}`, { cause: error });
  }
}

/** All that is known of an image without reading a layer. */
async function facts(image: Image): Promise<unknown[]> {
  return [await image.rawManifest(), await image.rawConfigFile(), await image.digest(), await image.size()];
}

/** What must be so for every image that was made of a sound one. */
async function checkConsistent(image: Image): Promise<void> {
  await validateImage(image);
  const raw = await image.rawManifest();
  assertEquals([await image.digest(), await image.size()], [await digestBytes(raw), raw.length]);
  const manifest = await sentManifest(image);
  const config = await sentConfig(image);
  assertEquals(manifest.config.digest, await image.configName());
  assertEquals(manifest.config.size, (await image.rawConfigFile()).length);
  assert(isConfig(manifest.config.mediaType) && manifest.layers.every(({ mediaType }) => isLayer(mediaType)));
  const layers = await image.layers();
  assertEquals(await Promise.all(layers.map((layer) => layer.descriptor())) as unknown, manifest.layers);
  assertEquals(await Promise.all(layers.map((layer) => layer.diffId())) as unknown, config.rootfs.diff_ids);
  assertEquals((config.history ?? []).filter((step) => !step.empty_layer).length, layers.length);
}

describe("an edited image", () => {
  it(`is consistent, the same however it is read, and leaves its base alone, for ${IMAGES} chains of edits`, {
    timeout: 60_000,
  }, async () => {
    const tried = new Set<string>();
    for (let seed = 1; seed <= IMAGES; seed++) {
      const random = new Random(seed);
      const source = new MemorySource();
      const base = await randomBase(random, source);
      const edits = await Promise.all(
        Array.from({ length: random.integer(1, 5) }, () => randomEdit(random, source)),
      );
      for (const { name } of edits) tried.add(name);
      await holds(seed, edits, async () => {
        const before = await facts(base);
        const chain = () => edits.reduce((image, { apply }) => apply(image), base);
        const image = chain();
        await checkConsistent(image);

        // Reading intermediate images gives valid images, and the same final one.
        let step = base;
        for (const { apply } of edits) {
          step = apply(step);
          await checkConsistent(step);
        }
        assertEquals(await facts(step), await facts(image));
        const again = chain();
        if (!await again.digestKnown()) { for (const layer of await again.layers()) await layer.diffId(); }
        assertEquals(await again.rawManifest(), await image.rawManifest());
        assertEquals(await again.rawConfigFile(), await image.rawConfigFile());

        assertEquals(await facts(base), before);
        assertEquals(await facts(source.image(await base.descriptor())), before);
      });
    }
    // All that there is to edit was edited.
    assertEquals(tried.size, 12, [...tried].join(", "));
  });

  it(`reads no layer where manifests and configs are all that changes, for ${IMAGES} chains of edits`, async () => {
    const changing = ["config", "manifest", "media type", "reorder", "nothing", "rebase"];
    let checked = 0;
    for (let seed = 1000; seed < 1000 + IMAGES; seed++) {
      const random = new Random(seed);
      const source = new MemorySource();
      const base = await randomBase(random, source);
      const drawn = await Promise.all(Array.from({ length: 6 }, () => randomEdit(random, source)));
      const edits = drawn.filter(({ name }) => changing.includes(name));
      if (edits.length === 0) continue;
      checked++;
      await holds(seed, edits, async () => {
        const image = edits.reduce((image, { apply }) => apply(image), base);
        assert(await image.digestKnown());
        await facts(image);
        const layers = new Set((await sentManifest(image)).layers.map(({ digest }) => digest));
        assertEquals(source.opened.filter((digest) => layers.has(digest)), []);
      });
    }
    assert(checked > IMAGES / 2);
  });
});

describe("an edited index", () => {
  it(`holds what editing its images by themselves gives, for ${INDEXES} indexes`, { timeout: 60_000 }, async () => {
    for (let seed = 5000; seed < 5000 + INDEXES; seed++) {
      const random = new Random(seed);
      const source = new MemorySource();
      const count = random.integer(1, 3);
      const members = await Promise.all(
        PLATFORMS.slice(0, count).map(async (platform) => ({
          ...await (await randomBase(random, source, platform)).descriptor(),
          platform,
        })),
      );
      const attested = {
        ...await (await randomBase(random, source)).descriptor(),
        platform: { os: "unknown", architecture: "unknown" },
        annotations: { "vnd.docker.reference.digest": members[0].digest },
      };
      const nested = await source.addIndex(members.slice(0, 1));
      const index = source.index(await source.addIndex([...members, attested, nested]));
      const edits = await Promise.all(Array.from({ length: random.integer(1, 3) }, () => randomEdit(random, source)));
      await holds(seed, edits, async () => {
        const before = await index.rawManifest();
        const edit = (image: Image) => edits.reduce((image, { apply }) => apply(image), image);
        const mapped = mapIndex(index, edit);
        await validateIndex(mapped);
        const alone = await Promise.all(members.map((member) => edit(source.image(member)).digest()));
        const { manifests } = await mapped.manifest();
        assertEquals(manifests.slice(0, count).map(({ digest }) => digest), alone);
        assertEquals(manifests[count].digest, attested.digest);
        assertEquals(manifests[count].annotations, { "vnd.docker.reference.digest": alone[0] });
        assertEquals(
          (await (await mapped.index(manifests[count + 1].digest)).manifest()).manifests[0].digest,
          alone[0],
        );

        const more = changeIndex(mapped, { annotations: { a: "1" } });
        const added = await randomBase(random, source);
        const appended = appendManifests(removeManifests(more, matchAttestations), [added]);
        await validateIndex(appended);
        assertEquals((await appended.manifest()).manifests.length, manifests.length);
        const removed = removeManifests(appended, matchDigests(await added.digest()));
        assert((await removed.manifest()).manifests.every(({ platform }) => platform?.os !== "unknown"));
        assertEquals(await index.rawManifest(), before);
        await validateIndex(index);
      });
    }
  });
});
