import type { Check } from "./checks.ts";
import {
  assert,
  CONFIG,
  digestOf,
  EMPTY,
  encode,
  expect,
  expectError,
  IMAGE,
  INDEX,
  LAYER,
  type World,
} from "./world.ts";

/** A check that pushes a manifest by tag and by digest, and pulls it. */
function pushed(title: string, make: (world: World) => Promise<Record<string, unknown>>): Check {
  return {
    workflow: "push",
    title,
    run: async (world) => {
      const value = await make(world);
      const { digest } = await world.putManifest(value, tagOf(title));
      await world.assertManifest(value, tagOf(title));
      await world.assertManifest(value, digest);
      await world.putManifest(value);
    },
  };
}

const tagOf = (title: string) => title.replaceAll(/[^a-z0-9]+/g, "-").slice(0, 40);

async function artifact(world: World, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const config = await world.blob(EMPTY, "{}");
  return {
    schemaVersion: 2,
    mediaType: IMAGE,
    artifactType: "application/vnd.example+type",
    config,
    layers: [await world.blob("application/vnd.example.data", "data")],
    ...more,
  };
}

async function indexOf(world: World, ...seeds: string[]): Promise<Record<string, unknown>> {
  const manifests = [];
  for (const seed of seeds) {
    const { answer: _, ...descriptor } = await world.putManifest(await world.image(seed));
    manifests.push({ ...descriptor, platform: { os: "linux", architecture: seed } });
  }
  return { schemaVersion: 2, mediaType: INDEX, manifests };
}

/** Manifests of every kind. */
export const manifestChecks: readonly Check[] = [
  {
    workflow: "pull",
    title: "a manifest that is not there is 404",
    run: async (world) => {
      const codes = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN"];
      for (const reference of ["missing", digestOf(encode("missing"))]) {
        expect(await world.send("HEAD", `manifests/${reference}`), 404);
        expectError(await world.send("GET", `manifests/${reference}`), [404], codes);
      }
    },
  },
  {
    workflow: "pull",
    title: "a manifest comes byte for byte, by tag and by digest",
    run: async (world) => {
      const value = await world.image("spaces");
      const bytes = encode(JSON.stringify(value, null, 3));
      const headers = { "Content-Type": IMAGE };
      expect(await world.send("PUT", "manifests/spaces", { body: bytes, headers }), 201);
      for (const reference of ["spaces", digestOf(bytes)]) {
        const got = expect(await world.send("GET", `manifests/${reference}`, { headers: { Accept: IMAGE } }), 200);
        assert(digestOf(got.bytes) === digestOf(bytes), got, "the bytes are not those that were pushed");
      }
    },
  },
  pushed("an image", (world) => world.image("image")),
  pushed("an index", (world) => indexOf(world, "amd64", "arm64")),
  pushed("an index in an index", async (world) => {
    const { answer: _, ...inner } = await world.putManifest(await indexOf(world, "amd64"));
    return { schemaVersion: 2, mediaType: INDEX, manifests: [inner] };
  }),
  pushed("an artifact", (world) => artifact(world)),
  pushed(
    "an artifact without layers",
    async (world) => await artifact(world, { layers: [await world.blob(EMPTY, "{}")] }),
  ),
  pushed("a manifest with data in a descriptor", async (world) => {
    const config = { ...await world.blob(EMPTY, "{}"), data: "e30=" };
    return await artifact(world, { config });
  }),
  pushed("an image with layers that may not be pushed", async (world) => {
    const mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    const foreign = { mediaType, digest: digestOf(encode("foreign")), size: 7, urls: ["https://example.com/layer"] };
    const image = await world.image("foreign");
    return { ...image, layers: [foreign, ...image.layers as unknown[]] };
  }),
  pushed("an image with fields that nobody knows", async (world) => {
    const image = await world.image("custom", { "org.example.custom": { deep: ["kept"] } });
    return { ...image, config: { ...image.config as object, "org.example.more": 1 } };
  }),
  pushed("a manifest of 1 MB", async (world) => {
    const annotations = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`org.example.${index}`, "x".repeat(10_000)]),
    );
    return await world.image("large", { annotations });
  }),
  pushed("a manifest with a subject", async (world) => {
    const { answer: _, ...subject } = await world.putManifest(await world.image("subject"));
    return await artifact(world, { subject });
  }),
  pushed("a manifest whose subject is not there", async (world) => {
    const subject = { mediaType: IMAGE, digest: digestOf(encode("no subject")), size: 100 };
    return await artifact(world, { subject });
  }),
  {
    workflow: "push",
    title: "a tag moves",
    run: async (world) => {
      const first = await world.image("moves first");
      const { digest } = await world.putManifest(first, "moving");
      const second = await world.image("moves second");
      await world.putManifest(second, "moving");
      await world.assertManifest(second, "moving");
      await world.assertManifest(first, digest);
    },
  },
  {
    workflow: "push",
    title: "a manifest under a digest that is not its own is refused",
    run: async (world) => {
      const body = JSON.stringify(await world.image("wrong digest"));
      const headers = { "Content-Type": IMAGE };
      const wrong = digestOf(encode("wrong"));
      expect(await world.send("PUT", `manifests/${wrong}`, { body, headers }), 400);
      expect(await world.send("HEAD", `manifests/${wrong}`), 404);
    },
  },
  {
    workflow: "push",
    title: "a manifest that is none is refused",
    run: async (world) => {
      const headers = { "Content-Type": IMAGE };
      const answer = await world.send("PUT", "manifests/none", { body: "blablabla", headers });
      expectError(answer, [400], ["MANIFEST_INVALID"]);
    },
  },
  {
    workflow: "push",
    title: "a manifest of blobs that are not there is refused, or taken",
    run: async (world) => {
      const missing = (mediaType: string) => ({ mediaType, digest: digestOf(encode(mediaType)), size: 5 });
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType: IMAGE,
        config: missing(CONFIG),
        layers: [missing(LAYER)],
      });
      const answer = await world.send("PUT", "manifests/incomplete", { body, headers: { "Content-Type": IMAGE } });
      expect(answer, 201, 400, 404);
      if (answer.status !== 201) {
        expectError(answer, [400, 404], ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_INVALID"]);
      }
    },
  },
];
