import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { copy } from "../../src/crane/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { digestOf, fakeFetch, FakeRegistry } from "../fakes/mod.ts";

const SOURCE = "source.example.com";
const TARGET = "target.example.com";

function world() {
  const [source, target] = [new FakeRegistry(), new FakeRegistry()];
  const { fetch, requests } = fakeFetch({ [`https://${SOURCE}`]: source.handle, [`https://${TARGET}`]: target.handle });
  return { source, target, fetch, requests };
}

function put(registry: FakeRegistry, value: unknown, mediaType: string, tag?: string): Descriptor {
  const bytes = jsonBytes(value);
  registry.addManifest("app", { bytes, mediaType }, tag);
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function blob(registry: FakeRegistry, text: string): Descriptor {
  const bytes = new TextEncoder().encode(text);
  const digest = digestOf(bytes);
  registry.blobsOf("app").set(digest, bytes);
  return { mediaType: "text/plain", digest, size: bytes.length };
}

describe("copy of what is neither image nor index", () => {
  it("takes an artifact manifest with its blobs, by mount or not, byte for byte", async () => {
    const { source, target, fetch } = world();
    const blobs = [blob(source, "one"), blob(source, "two")];
    const mediaType = MediaType.OciArtifactManifest;
    const { digest } = put(source, { mediaType, artifactType: "application/x.sbom", blobs }, mediaType, "v1");
    await copy(`${SOURCE}/app:v1`, `${TARGET}/copy:v1`, { fetch });
    assertEquals(target.manifestsOf("copy").get("v1"), source.manifestsOf("app").get("v1"));
    assertEquals(target.manifestsOf("copy").has(digest), true);
    assertEquals(new Set(target.blobsOf("copy").keys()), new Set(blobs.map(({ digest }) => digest)));
  });

  it("takes an index with an artifact manifest, a manifest of an unknown type and a blob in it", async () => {
    const { source, target, fetch } = world();
    const one = blob(source, "one");
    const artifact = put(
      source,
      { mediaType: MediaType.OciArtifactManifest, blobs: [one] },
      MediaType.OciArtifactManifest,
    );
    const odd = put(source, { layers: [blob(source, "two")] }, "application/vnd.example.odd+json");
    const alone = blob(source, "three");
    const index = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [artifact, odd, alone] };
    put(source, index, MediaType.OciImageIndex, "v1");
    await copy(`${SOURCE}/app:v1`, `${TARGET}/copy:v1`, { fetch });
    const there = [...target.manifestsOf("copy").keys()];
    for (const { digest } of [artifact, odd]) assertEquals(there.includes(digest), true, digest);
    assertEquals(target.blobsOf("copy").has(alone.digest), true);
    assertEquals(target.blobsOf("copy").size, 3);
  });

  it("takes schema 1 with its layers, whose sizes it does not give", async () => {
    const { source, target, fetch } = world();
    const layers = [blob(source, "one"), blob(source, "two"), blob(source, "one")];
    const fsLayers = layers.map(({ digest }) => ({ blobSum: digest as Hash }));
    const mediaType = MediaType.DockerManifestSchema1;
    put(source, { schemaVersion: 1, name: "app", fsLayers, history: [] }, mediaType, "v1");
    await copy(`${SOURCE}/app:v1`, `${TARGET}/copy:v1`, { fetch });
    assertEquals(target.manifestsOf("copy").get("v1"), source.manifestsOf("app").get("v1"));
    assertEquals(target.blobsOf("copy").size, 2);
  });
});
