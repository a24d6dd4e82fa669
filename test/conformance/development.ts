import type { Check } from "./checks.ts";
import {
  type Algorithm,
  assert,
  CONFIG,
  type Descriptor,
  digestOf,
  EMPTY,
  encode,
  expect,
  IMAGE,
  INDEX,
  json,
  LAYER,
  Skipped,
  skipUnless,
  withQuery,
  type World,
} from "./world.ts";

const OCTETS = { "Content-Type": "application/octet-stream" };

/** Pushes an image of blobs by one algorithm, by its digest, and gives its descriptor. */
async function imageBy(world: World, seed: string, algorithm: Algorithm): Promise<Descriptor> {
  const blob = async (mediaType: string, content: string) => ({
    mediaType,
    digest: await world.push(content, undefined, algorithm),
    size: encode(content).length,
  });
  const config = await blob(CONFIG, JSON.stringify({ architecture: "amd64", os: "linux", author: seed }));
  const value = { schemaVersion: 2, mediaType: IMAGE, config, layers: [await blob(LAYER, `layer ${seed}`)] };
  const digest = digestOf(encode(JSON.stringify(value)), algorithm);
  const { answer: _, ...descriptor } = await world.putManifest(value, digest);
  return { ...descriptor, digest };
}

async function indexBy(world: World, seed: string, algorithm: Algorithm): Promise<Record<string, unknown>> {
  const manifests = [];
  for (const architecture of ["amd64", "arm64"]) {
    const image = await imageBy(world, `${seed} ${architecture} by ${algorithm}`, algorithm);
    manifests.push({ ...image, platform: { os: "linux", architecture } });
  }
  return { schemaVersion: 2, mediaType: INDEX, manifests, annotations: { "org.example.seed": seed } };
}

async function skipWithoutSha512(world: World, algorithm: Algorithm): Promise<void> {
  if (algorithm === "sha256") return;
  try {
    await imageBy(world, "is sha512 known here?", algorithm);
  } catch {
    throw new Skipped("the registry does not know SHA-512");
  }
}

/** Checks of manifests that are pushed by a digest of one algorithm. */
function byDigest(algorithm: Algorithm): Check[] {
  return [
    {
      workflow: "push",
      title: `an index and its images by their digests (${algorithm})`,
      run: async (world) => {
        await skipWithoutSha512(world, algorithm);
        const value = await indexBy(world, "by digest", algorithm);
        const digest = digestOf(encode(JSON.stringify(value)), algorithm);
        await world.putManifest(value, digest);
        await world.assertManifest(value, digest);
      },
    },
    {
      workflow: "push",
      title: `a manifest by its digest with tags beside it (${algorithm})`,
      run: async (world) => {
        await skipWithoutSha512(world, algorithm);
        const value = await indexBy(world, "with tags", algorithm);
        const digest = digestOf(encode(JSON.stringify(value)), algorithm);
        const tags = [`beside-${algorithm}`, `beside-${algorithm}-2`];
        const { answer } = await world.putManifest(value, `${digest}?${tags.map((tag) => `tag=${tag}`).join("&")}`);
        const named = answer.headers.get("OCI-Tag");
        skipUnless(named !== null, "the registry takes no tags beside a digest");
        assert(
          tags.every((tag) => named.split(",").map((each) => each.trim()).includes(tag)),
          answer,
          `OCI-Tag is ${named}`,
        );
        for (const tag of tags) await world.assertManifest(value, tag);
      },
    },
  ];
}

/** What the specification has since version 1.1, and its suite looks at. */
export const developmentChecks: readonly Check[] = [
  ...byDigest("sha256"),
  ...byDigest("sha512"),
  ...[
    ["an index without members", () => ({ mediaType: INDEX, manifests: [] })],
    [
      "an index of artifacts",
      async (world: World) => {
        const config = await world.blob(EMPTY, "{}");
        const artifactType = "application/vnd.example+type";
        const artifact = { schemaVersion: 2, mediaType: IMAGE, artifactType, config, layers: [config] };
        const { answer: _, ...member } = await world.putManifest(artifact);
        return { mediaType: INDEX, artifactType, manifests: [{ ...member, artifactType }] };
      },
    ],
    ["an image without layers", async (world: World) => ({ ...await world.image("no layers"), layers: [] })],
    [
      "a manifest of 3.9 MB",
      (world: World) =>
        world.image("very large", {
          annotations: Object.fromEntries(
            Array.from({ length: 390 }, (_, at) => [`org.example.${at}`, "A".repeat(10_000)]),
          ),
        }),
    ],
  ].map(([title, make]): Check => ({
    workflow: "push",
    title: title as string,
    run: async (world) => {
      const value = { schemaVersion: 2, ...await (make as (world: World) => object)(world) } as Record<string, unknown>;
      const tag = (title as string).replaceAll(/[^a-z0-9]+/g, "-");
      const { digest } = await world.putManifest(value, tag);
      await world.assertManifest(value, tag);
      await world.assertManifest(value, digest);
    },
  })),
  {
    workflow: "discovery",
    title: "an index with a subject is among its referrers",
    run: async (world) => {
      const { answer: _, ...subject } = await world.putManifest(await world.image("subject of an index"));
      const artifactType = "application/vnd.example.index";
      const annotations = { "org.example.kind": "index" };
      const index = { schemaVersion: 2, mediaType: INDEX, artifactType, manifests: [], subject, annotations };
      const { digest, size } = await world.putManifest(index, "index-with-subject");
      const list = await world.send("GET", `referrers/${subject.digest}`);
      skipUnless(list.status !== 404, "there is no list of referrers: clients keep a tag instead");
      const found = (json(expect(list, 200)).manifests as Descriptor[]).find((each) => each.digest === digest);
      const wanted = JSON.stringify([INDEX, size, artifactType, annotations]);
      const actual = JSON.stringify([found?.mediaType, found?.size, found?.artifactType, found?.annotations]);
      assert(actual === wanted, list, `it is listed as ${actual}, not ${wanted}`);
    },
  },
  {
    workflow: "pull",
    title: "answers for blobs and manifests name their digest",
    run: async (world) => {
      const blob = await world.push("named by its digest");
      const value = await world.image("named by its digest");
      const { digest, answer } = await world.putManifest(value, "named");
      const of = async (method: string, path: string) => expect(await world.send(method, path), 200);
      const answers = [
        [answer, digest],
        [await of("HEAD", `blobs/${blob}`), blob],
        [await of("GET", `blobs/${blob}`), blob],
        [await of("HEAD", "manifests/named"), digest],
        [await of("GET", `manifests/${digest}`), digest],
      ] as const;
      for (const [each, wanted] of answers) {
        const found = each.headers.get("Docker-Content-Digest");
        assert(found === wanted, each, `Docker-Content-Digest is ${found}, not ${wanted}`);
      }
    },
  },
  {
    workflow: "push",
    title: "a malformed digest is refused",
    run: async (world) => {
      const body = JSON.stringify(await world.image("malformed digest"));
      const path = "manifests/sha256:baddigeststring";
      expect(await world.send("PUT", path, { body, headers: { "Content-Type": IMAGE } }), 400);
      expect(await world.send("GET", path), 404, 400);
      const upload = await world.startUpload();
      const query = "digest=sha256:baddigeststring";
      expect(await world.send("PUT", withQuery(upload, query), { body: "bytes", headers: OCTETS }), 400);
    },
  },
];

/** Manifests that name content that the repository does not have, which a registry need not take. */
export const sparseChecks: readonly Check[] = [
  {
    workflow: "sparse",
    title: "an image of which a layer is missing",
    run: async (world) => {
      const image = await world.image("sparse");
      const missing = { mediaType: LAYER, digest: digestOf(encode("missing layer")), size: 13 };
      const value = { ...image, layers: [...image.layers as Descriptor[], missing] };
      await world.putManifest(value, "sparse-image");
      await world.assertManifest(value, "sparse-image");
    },
  },
  {
    workflow: "sparse",
    title: "an index of which an image is missing",
    run: async (world) => {
      const { answer: _, ...there } = await world.putManifest(await world.image("sparse member"));
      const missing = { mediaType: IMAGE, digest: digestOf(encode("missing image")), size: 1024 };
      const platforms = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
      const manifests = [there, missing].map((member, at) => ({ ...member, platform: platforms[at] }));
      const value = { schemaVersion: 2, mediaType: INDEX, manifests };
      await world.putManifest(value, "sparse-index");
      await world.assertManifest(value, "sparse-index");
      expect(await world.send("GET", `manifests/${missing.digest}`), 404);
    },
  },
];
