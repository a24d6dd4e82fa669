import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { push, remove, tree, type TreeManifest } from "../../src/crane/mod.ts";
import { HttpError, LimitError } from "../../src/errors.ts";
import { emptyImage, emptyIndex, type Image, randomImage, randomIndex } from "../../src/image/mod.ts";
import { appendLayers, appendManifests, changeImage, editImage } from "../../src/mutate/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { hashHexDigits, MediaType } from "../../src/spec/mod.ts";
import { digestOf, fakeFetch, json, utf8 } from "../fakes/mod.ts";
import { file, layer } from "../make/entry_layers.ts";
import { memoryRegistry } from "../make/memory_registry.ts";

const repository = "registry.example.com/team/app";
const app = `${repository}:v1`;
const arm64 = { os: "linux", architecture: "arm64" };
const index = randomIndex({ seed: 1, platforms: [{ os: "linux", architecture: "amd64" }, arm64] });

/** What is stored of an image. */
async function storedSize(image: Image): Promise<number> {
  const { config, layers } = await image.manifest();
  return [config, ...layers].reduce((sum, { size }) => sum + size, await image.size());
}

/** An artifact that refers to an image. */
async function artifactOn(subject: Image, artifactType: string): Promise<Image> {
  return changeImage(randomImage({ seed: artifactType.length, layers: 1 }), {
    subject: await subject.descriptor(),
    artifactType,
  });
}

/** A registry of one image, in which each manifest has 1,500 referrers that nothing else refers to. */
function endlessReferrers(): typeof fetch {
  const manifests = new Map<string, { bytes: Bytes; mediaType: string }>();
  const add = () => {
    const config = { mediaType: "x/y", digest: digestOf(utf8("{}")), size: 2 };
    const manifest = { schemaVersion: 2, mediaType: MediaType.OciManifest, config, layers: [], n: manifests.size };
    const bytes = jsonBytes(manifest);
    manifests.set(digestOf(bytes), { bytes, mediaType: MediaType.OciManifest });
    return { mediaType: MediaType.OciManifest, digest: digestOf(bytes), size: bytes.length };
  };
  const root = add();
  const list = (manifests: unknown[]) => ({
    ...json(200, { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests }),
    headers: { "content-type": MediaType.OciImageIndex },
  });
  return fakeFetch({
    "https://registry.example.com": ({ url }) => {
      const [, kind, name] = /^\/v2\/team\/app\/(manifests|referrers)\/(.*)$/.exec(url.pathname) ?? [];
      if (kind === "referrers") return list(Array.from({ length: 1500 }, add));
      if (kind === undefined) return json(200, {});
      const found = manifests.get(name === "v1" ? root.digest : name);
      if (!found) return json(404, {});
      return { status: 200, headers: { "content-type": found.mediaType }, body: found.bytes };
    },
  }).fetch;
}

describe("tree", () => {
  it("ends where a registry lists referrers without end (rule 26)", { timeout: 60_000 }, async () => {
    const error = await assertRejects(() => tree(app, { fetch: endlessReferrers() }), LimitError);
    assertEquals(error.message, `the members and referrers of ${app}: more than the limit of 100000`);
  });

  it("of an image: config, layers, and the command that made each", async () => {
    const { fetch, requests } = memoryRegistry();
    const appended = appendLayers(emptyImage(), [
      { layer: (await layer(file("a"))).layer, history: { created_by: "COPY a /" } },
      { layer: (await layer(file("b"))).layer, history: { created_by: "RUN make b" } },
    ]);
    const step = { created_by: "ENV A=1", empty_layer: true };
    const built = editImage(appended, {
      configFile: ({ history, ...config }) => ({ ...config, history: [history![0], step, history![1]] }),
    });
    await push(built, app, { fetch });
    requests.length = 0;
    const node = await tree(app, { fetch });
    const { config, layers } = await built.manifest();
    assertEquals(
      [node.kind, node.digest, node.size, node.totalSize],
      ["image", await built.digest(), await built.size(), await storedSize(built)],
    );
    assertEquals(node.config, { mediaType: config.mediaType, digest: config.digest, size: config.size });
    assertEquals(
      node.layers.map(({ digest, createdBy }) => [digest, createdBy]),
      [[layers[0].digest, "COPY a /"], [layers[1].digest, "RUN make b"]],
    );
    assertEquals(requests.filter((request) => request.includes("/blobs/")).length, 1, "the config alone");
  });

  it("of an index: its platforms, what they share counted once", async () => {
    const { fetch } = memoryRegistry();
    await push(index, app, { fetch });
    const node = await tree(app, { fetch });
    assertEquals([node.kind, node.digest], ["index", await index.digest()]);
    assertEquals(node.manifests.map(({ kind, platform }) => [kind, platform?.architecture]), [
      ["image", "amd64"],
      ["image", "arm64"],
    ]);
    assertEquals(node.totalSize, node.size + node.manifests.reduce((sum, { totalSize }) => sum + totalSize, 0));
    const one = await tree(app, { fetch, platform: arm64 });
    assertEquals([one.kind, one.digest], ["image", node.manifests[1].digest]);
  });

  it("what refers to a manifest hangs on it, and what refers to that", async () => {
    const { fetch } = memoryRegistry();
    const image = randomImage({ seed: 2 });
    const sbom = await artifactOn(image, "application/spdx+json");
    const signature = await artifactOn(sbom, "application/vnd.example.signature");
    await push(image, app, { fetch });
    for (const one of [sbom, signature]) await push(one, `${repository}@${await one.digest()}`, { fetch });
    const outline = ({ artifactType, digest, referrers }: TreeManifest): unknown => ({
      artifactType,
      digest,
      referrers: referrers.map(outline),
    });
    const node = await tree(app, { fetch });
    assertEquals(node.referrers.map(outline), [{
      artifactType: "application/spdx+json",
      digest: await sbom.digest(),
      referrers: [{
        artifactType: "application/vnd.example.signature",
        digest: await signature.digest(),
        referrers: [],
      }],
    }]);
    assertEquals(node.totalSize, await storedSize(image));
  });

  it("what refers to a manifest is found by its tag where there is no referrers API", async () => {
    const { fetch } = memoryRegistry();
    const image = randomImage({ seed: 2 });
    const sbom = await artifactOn(image, "application/spdx+json");
    await push(image, app, { fetch });
    const tag = `sha256-${hashHexDigits(await image.digest())}`;
    await push(appendManifests(emptyIndex(), [sbom]), `${repository}:${tag}`, { fetch });
    const withoutApi = ((input: string | URL | Request, init?: RequestInit) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      return pathname.includes("/referrers/")
        ? Promise.resolve(new Response("{}", { status: 404, headers: { "content-type": "application/json" } }))
        : fetch(input, init);
    }) as typeof globalThis.fetch;
    const { referrers } = await tree(app, { fetch: withoutApi });
    assertEquals(referrers.map(({ digest, artifactType }) => [digest, artifactType]), [
      [await sbom.digest(), "application/spdx+json"],
    ]);
  });

  it("ends where a registry says that a manifest refers to itself", async () => {
    const { fetch } = memoryRegistry();
    const image = randomImage({ seed: 2 });
    await push(image, app, { fetch });
    const circle = JSON.stringify({ schemaVersion: 2, manifests: [await image.descriptor()] });
    const lying = ((input: string | URL | Request, init?: RequestInit) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      const headers = { "content-type": "application/vnd.oci.image.index.v1+json" };
      return pathname.includes("/referrers/") ? Promise.resolve(new Response(circle, { headers })) : fetch(input, init);
    }) as typeof globalThis.fetch;
    const { referrers: [itself] } = await tree(app, { fetch: lying });
    assertEquals([itself.digest, itself.referrers], [await image.digest(), []]);
  });

  it("what cosign stored beside a manifest hangs on it", async () => {
    const { fetch } = memoryRegistry();
    const image = randomImage({ seed: 2 });
    await push(image, app, { fetch });
    const tags = ["sig", "att", "sbom"].map((ending) => `sha256-digest.${ending}`);
    const named = await Promise.all(
      tags.map(async (tag) => tag.replace("digest", hashHexDigits(await image.digest()))),
    );
    const stored = randomImage({ seed: 3, layers: 1 });
    for (const tag of named) await push(stored, `${repository}:${tag}`, { fetch });
    const { cosign } = await tree(app, { fetch });
    assertEquals(cosign.map(({ tag }) => tag), named);
    for (const { digest } of cosign) assertEquals(digest, await stored.digest());
  });

  it("a member that the registry lost is missing, and the rest is shown", async () => {
    const { fetch } = memoryRegistry();
    await push(index, app, { fetch });
    const [lost] = await index.children();
    await remove(`${repository}@${lost.descriptor.digest}`, { fetch });
    const { manifests } = await tree(app, { fetch });
    assertEquals(manifests.map(({ kind }) => kind), ["missing", "image"]);
    assertEquals([manifests[0].digest, manifests[0].totalSize], [lost.descriptor.digest, lost.descriptor.size]);
  });

  it("of nothing is an error", async () => {
    const { fetch } = memoryRegistry();
    assertEquals((await assertRejects(() => tree(app, { fetch }), HttpError)).status, 404);
  });
});
