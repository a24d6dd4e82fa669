import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { type Image, randomImage, randomIndex, validateImage, validateIndex } from "../../src/image/mod.ts";
import {
  appendManifests,
  changeImage,
  editImage,
  flattenImage,
  mapIndex,
  rebaseImage,
  removeManifests,
} from "../../src/mutate/mod.ts";
import { parseReference } from "../../src/name/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { AMD64, ARM64 } from "./edit_bases.ts";

/** Creates a registry in memory that counts the transferred blobs since the last read. */
function countedRegistry() {
  const { fetch } = createRegistry();
  const moved = { downloaded: [] as string[], uploaded: [] as string[], mounted: [] as string[] };
  const counting = async (request: Request) => {
    const { method } = request;
    const { pathname, searchParams } = new URL(request.url);
    const blob = /\/blobs\/(sha256:[0-9a-f]+)$/.exec(pathname)?.[1];
    if (method === "GET" && blob) moved.downloaded.push(blob);
    if (method === "PUT" && searchParams.has("digest")) moved.uploaded.push(searchParams.get("digest")!);
    const response = await fetch(request);
    if (searchParams.has("mount") && response.status === 201) moved.mounted.push(searchParams.get("mount")!);
    return response;
  };
  const options = { fetch: ((input, init) => counting(new Request(input, init))) as typeof globalThis.fetch };
  const reset = () => Object.assign(moved, { downloaded: [], uploaded: [], mounted: [] });
  const pusher = new Pusher(options);
  return {
    moved,
    reset,
    /** Pushes as if it were the first thing that ever was. */
    push: (name: string, view: Parameters<Pusher["push"]>[1]) =>
      new Pusher(options).push(parseReference(`registry.example.com/${name}`), view),
    image: (name: string) => new Puller(options).image(parseReference(`registry.example.com/${name}`)),
    index: (name: string) => new Puller(options).index(parseReference(`registry.example.com/${name}`)),
    upload: (name: string, image: Image) =>
      image.layers().then(([layer]) => pusher.upload(parseReference(`registry.example.com/${name}`).repository, layer)),
  };
}

async function configsOf(images: readonly Image[]): Promise<Hash[]> {
  return (await Promise.all(images.map((image) => image.configName()))).toSorted();
}

describe("edits of what a registry has", () => {
  it("move manifests and configs alone", async () => {
    const registry = countedRegistry();
    await registry.push("app:v1", randomImage({ layers: 3, size: 100_000 }));
    registry.reset();

    const base = await registry.image("app:v1");
    const image = changeImage(base, { labels: { a: "b" }, annotations: { a: "b" } });
    await registry.push("app:v2", image);
    assertEquals(registry.moved.downloaded, await configsOf([base]));
    assertEquals(registry.moved.uploaded, await configsOf([image]));
    assertEquals(registry.moved.mounted, []);
    await validateImage(await registry.image("app:v2"));
  });

  it("mount the layers of another base", async () => {
    const registry = countedRegistry();
    const [oldBase, newBase] = [randomImage({ layers: 2 }), randomImage({ layers: 2 })];
    const app = editImage(oldBase, {
      layers: async (layers) => [...layers, ...await randomImage({ layers: 1 }).layers()],
    });
    await registry.push("base:v1", oldBase);
    await registry.push("base:v2", newBase);
    await registry.push("app:v1", app);
    registry.reset();

    const rebased = rebaseImage(await registry.image("app:v1"), {
      oldBase: await registry.image("base:v1"),
      newBase: await registry.image("base:v2"),
    });
    await registry.push("app:v2", rebased);
    assertEquals(registry.moved.downloaded.toSorted(), await configsOf([app, oldBase, newBase]));
    assertEquals(registry.moved.uploaded, await configsOf([rebased]));
    const layers = (await newBase.manifest()).layers.map(({ digest }) => digest);
    assertEquals(registry.moved.mounted.toSorted(), layers.toSorted());
    await validateImage(await registry.image("app:v2"));
  });

  it("move no blob at all where an index changes", async () => {
    const registry = countedRegistry();
    const index = randomIndex({ platforms: [AMD64, ARM64] });
    await registry.push("app:v1", index);
    registry.reset();

    const remote = await registry.index("app:v1");
    const one = removeManifests(remote, ({ platform }) => platform?.architecture === "amd64");
    const [kept] = (await one.manifest()).manifests;
    await registry.push("app:arm64", appendManifests(one, [{ member: { ...kept }, annotations: { a: "again" } }]));
    assertEquals([registry.moved.downloaded, registry.moved.uploaded, registry.moved.mounted], [[], [], []]);
    assertEquals((await (await registry.index("app:arm64")).manifest()).manifests.length, 2);
    await validateIndex(await registry.index("app:arm64"));
  });

  it("move one config for each platform where all are edited", async () => {
    const registry = countedRegistry();
    await registry.push("app:v1", randomIndex({ platforms: [AMD64, ARM64] }));
    registry.reset();

    const edited: Image[] = [];
    const mapped = mapIndex(await registry.index("app:v1"), (image) => {
      edited.push(changeImage(image, { labels: { a: "b" } }));
      return edited.at(-1)!;
    });
    await registry.push("app:v2", mapped);
    assertEquals(registry.moved.downloaded.length, 2);
    assertEquals(registry.moved.uploaded.toSorted(), await configsOf(edited));
    await validateIndex(await registry.index("app:v2"));
  });

  it("read and write a flattened layer once, uploaded in the edit", async () => {
    const registry = countedRegistry();
    await registry.push("app:v1", randomIndex({ platforms: [AMD64, ARM64], layers: 2 }));
    registry.reset();

    const mapped = mapIndex(await registry.index("app:v1"), async (image) => {
      const flat = flattenImage(image);
      await registry.upload("app", flat);
      return flat;
    });
    await registry.push("app:flat", mapped);
    const { downloaded, uploaded } = registry.moved;
    assertEquals([downloaded.length, new Set(downloaded).size], [6, 6]);
    assertEquals([uploaded.length, new Set(uploaded).size], [4, 4]);
    await validateIndex(await registry.index("app:flat"));
  });
});
