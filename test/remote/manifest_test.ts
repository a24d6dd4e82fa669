import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { randomImage } from "../../src/image/mod.ts";
import { HttpError, ManifestError, NotFoundError, ProtocolError } from "../../src/errors.ts";
import type { Image, ImageIndex } from "../../src/image/mod.ts";
import type { DigestReference } from "../../src/name/mod.ts";
import { type Descriptor, MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { digestOf, FakeRegistry, problem, utf8 } from "../fakes/mod.ts";
import { addImage, addIndex, at, contentOf, lines, remoting } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";

/** The config of an image without layers, which its manifest embeds. */
const EMPTY_CONFIG = utf8(
  JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } }),
);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("Puller.get", () => {
  it("gets a manifest by tag and by digest, its bytes verbatim", async () => {
    const registry = new FakeRegistry();
    const bytes = utf8('{ "schemaVersion": 2,\n "config": {},  "layers": [] }');
    const digest = registry.addManifest("app", { bytes, mediaType: MediaType.DockerManifestSchema2 }, "v1");
    const remote = remoting(registry);
    for (const name of ["app:v1", `app@${digest}`]) {
      const manifest = await remote.puller.get(at(name));
      assertEquals(text(manifest.bytes), text(bytes));
      assertEquals(manifest.descriptor, { mediaType: MediaType.DockerManifestSchema2, digest, size: bytes.length });
      assertEquals(manifest.reference.identifier, name.slice(4));
    }
    assertEquals(lines(remote), ["GET /v2/app/manifests/v1", `GET /v2/app/manifests/${digest}`]);
  });

  it("takes none that is nested deeper than 1,000 levels", async () => {
    const registry = new FakeRegistry();
    const bytes = utf8(`{"schemaVersion":2,"config":{},"layers":[],"x":${"[".repeat(4_000)}${"]".repeat(4_000)}}`);
    for (const mediaType of [MediaType.OciManifest, "application/vnd.example.unknown"]) {
      registry.addManifest("app", { bytes, mediaType }, "v1");
      const message = "manifest registry.example.com/app:v1 is nested deeper than 1000 levels";
      const error = await assertRejects(() => remoting(registry).puller.get(at("app:v1")), ManifestError);
      assertMatch((error as ManifestError).message, new RegExp(message.split("/").at(-1)!));
    }
  });

  it("asks for OCI's and Docker's manifests and indexes, for schema 1 and artifact manifests", async () => {
    const registry = new FakeRegistry();
    addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    await remote.puller.get(at("app:v1"));
    assertEquals(
      new Set(remote.requests[1].headers.get("accept")?.split(", ")),
      new Set<string>([
        MediaType.OciManifest,
        MediaType.OciImageIndex,
        MediaType.DockerManifestSchema2,
        MediaType.DockerManifestList,
        MediaType.DockerManifestSchema1,
        MediaType.DockerManifestSchema1Signed,
        MediaType.OciArtifactManifest,
      ]),
    );
  });

  it("says what kind of artifact it is, and its annotations", async () => {
    const registry = new FakeRegistry();
    const annotations = { a: "b" };
    const change = (manifest: Record<string, unknown>) =>
      Object.assign(manifest, { artifactType: "application/vnd.example", annotations });
    addImage(registry, "app", { tag: "v1", change });
    const { descriptor } = await remoting(registry).puller.get(at("app:v1"));
    assertEquals([descriptor.artifactType, descriptor.annotations], ["application/vnd.example", annotations]);
  });

  it("reads the media type from the bytes where the registry says none", async () => {
    const registry = new FakeRegistry();
    const bytes = utf8(JSON.stringify({ schemaVersion: 2, manifests: [] }));
    registry.addManifest("app", { bytes, mediaType: "application/json; charset=utf-8" }, "v1");
    assertEquals((await remoting(registry).puller.get(at("app:v1"))).descriptor.mediaType, MediaType.OciImageIndex);
  });

  it("refuses a manifest with another digest than it was asked for", async () => {
    const registry = new FakeRegistry();
    const digest = digestOf(utf8("{}"));
    registry.manifestsOf("app").set(digest, { bytes: utf8('{"evil":1}'), mediaType: MediaType.OciManifest });
    const error = await assertRejects(() => remoting(registry).puller.get(at(`app@${digest}`)), ManifestError);
    assertMatch(
      error.message,
      /^registry\.example\.com answered registry\.example\.com\/app@sha256:.* whose digest is sha256:/,
    );
  });

  it("takes the type from the body where the registry names that of any file", async () => {
    for (const mediaType of ["application/octet-stream", "binary/octet-stream", "text/plain; charset=utf-8"]) {
      const registry = new FakeRegistry();
      const named = { schemaVersion: 2, mediaType: MediaType.DockerManifestList, manifests: [] };
      const shaped = { schemaVersion: 2, manifests: [] };
      for (const [value, type] of [[named, MediaType.DockerManifestList], [shaped, MediaType.OciImageIndex]] as const) {
        const bytes = utf8(JSON.stringify(value));
        registry.addManifest("app", { bytes, mediaType }, "v1");
        const { puller } = remoting(registry);
        const expected = { mediaType: type, digest: digestOf(bytes), size: bytes.length };
        assertEquals((await puller.get(at("app:v1"))).descriptor, expected);
        assertEquals(await puller.head(at("app:v1")), expected);
      }
    }
  });

  it("refuses what is said to be no manifest", async () => {
    const registry = new FakeRegistry();
    registry.addManifest("app", { bytes: utf8("<html>"), mediaType: "text/html" }, "v1");
    await assertRejects(() => remoting(registry).puller.get(at("app:v1")), ProtocolError, "text/html");
    registry.addManifest("app", { bytes: utf8("{}"), mediaType: "text/plain" }, "v1");
    await assertRejects(() => remoting(registry).puller.get(at("app:v1")), ProtocolError, "text/plain");
    registry.addManifest("app", { bytes: utf8("<html>"), mediaType: "application/json" }, "v1");
    await assertRejects(() => remoting(registry).puller.get(at("app:v1")), ManifestError, "not JSON");
  });

  it("says what the registry says where there is none", async () => {
    const error = await assertRejects(
      () => remoting(new FakeRegistry()).puller.get(at("app:v1")),
      HttpError,
      "MANIFEST_UNKNOWN",
    );
    assertMatch(error.hint!, /spelling/);
  });

  it("reads again what was cut", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    registry.on("GET", /manifests/, async (_, usual) => ({ ...await usual(), cutAfter: 10 }), 2);
    const remote = remoting(registry);
    assertEquals((await remote.puller.get(at("app:v1"))).descriptor.digest, descriptor.digest);
    assertEquals(remote.waits.length, 2);
  });
});

describe("Puller.head", () => {
  it("says what a manifest is with one request", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    assertEquals(await remote.puller.head(at("app:v1")), descriptor);
    assertEquals(await remote.puller.digest(at("app:v1")), descriptor.digest);
    assertEquals(lines(remote), ["HEAD /v2/app/manifests/v1", "HEAD /v2/app/manifests/v1"]);
  });

  it("gets the manifest where HEAD says no digest, no length or no type", async () => {
    for (const missing of ["docker-content-digest", "content-length", "content-type"]) {
      const registry = new FakeRegistry();
      const { descriptor } = addImage(registry, "app", { tag: "v1" });
      registry.on("HEAD", /manifests/, async (_, usual) => {
        const { headers, ...answer } = await usual();
        const kept = Object.entries(headers as Record<string, string>).filter(([name]) => name !== missing);
        return { ...answer, headers: kept, length: missing === "content-length" ? "chunked" : undefined };
      });
      const remote = remoting(registry);
      assertEquals((await remote.puller.head(at("app:v1"))).digest, descriptor.digest);
      assertEquals(lines(remote), ["HEAD /v2/app/manifests/v1", "GET /v2/app/manifests/v1"]);
    }
  });

  it("gets the manifest where the registry knows no HEAD", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    registry.on("HEAD", /manifests/, () => ({ status: 405 }));
    assertEquals((await remoting(registry).puller.head(at("app:v1"))).digest, descriptor.digest);
  });

  it("gets the manifest where the registry fails at HEAD, for a push too", async () => {
    for (const status of [500, 502, 503]) {
      const registry = new FakeRegistry().on("HEAD", /manifests/, () => ({ status }), 99);
      const { descriptor } = addImage(registry, "app", { tag: "v1" });
      const remote = remoting(registry);
      assertEquals((await remote.puller.head(at("app:v1"))).digest, descriptor.digest);
      assertEquals((await remote.pusher.find(at("app:v1")))?.digest, descriptor.digest);
      assertEquals(await remote.pusher.find(at("app:v2")), undefined);
      await remote.pusher.push(at("app:v3"), randomImage({ seed: 1 }));
      assertEquals(registry.manifestsOf("app").has("v3"), true);
    }
  });

  it("fails where the registry fails at GET too", async () => {
    const registry = new FakeRegistry().on("HEAD", /manifests/, () => ({ status: 500 }), 99);
    registry.on("GET", /manifests/, () => ({ status: 500 }), 99);
    const remote = remoting(registry);
    await assertRejects(() => remote.puller.head(at("app:v1")), HttpError, "500");
    await assertRejects(() => remote.pusher.find(at("app:v1")), HttpError, "500");
  });

  it("says what the registry says where there is none", async () => {
    await assertRejects(
      () => remoting(new FakeRegistry()).puller.head(at("app:v1")),
      HttpError,
      "GET https://registry.example.com/v2/app/manifests/v1: 404 Not Found: MANIFEST_UNKNOWN",
    );
  });

  it("refuses another digest than it was asked for", async () => {
    const registry = new FakeRegistry();
    const wanted = digestOf(utf8("{}"));
    registry.manifestsOf("app").set(wanted, { bytes: utf8("[]"), mediaType: MediaType.OciManifest });
    await assertRejects(
      () => remoting(registry).puller.head(at(`app@${wanted}`)),
      ManifestError,
      "under registry.example.com/app@",
    );
  });
});

describe("Puller.image", () => {
  it("is a view of manifest, config and layers", async () => {
    const registry = new FakeRegistry();
    const { descriptor, config, layers } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    const image = await remote.puller.image(at("app:v1"));
    assertEquals([await image.digest(), await image.mediaType()], [descriptor.digest, MediaType.OciManifest]);
    assertEquals(text(await image.rawConfigFile()), text(config));
    const views = await image.layers();
    assertEquals(await Promise.all(views.map(contentOf)), layers);
    assertEquals(views[0].content.origins, [{ registry: "registry.example.com", repository: "app" }]);
    assertEquals(lines(remote).filter((line) => line.includes("manifests")).length, 1);
  });

  it("reads no layer to know its digest, size and diff id", async () => {
    const registry = new FakeRegistry();
    const { layers } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    const [layer] = await (await remote.puller.image(at("app:v1"))).layers();
    assertEquals([await layer.digest(), await layer.size(), await layer.diffId()], [
      digestOf(layers[0]),
      1000,
      digestOf(layers[0]),
    ]);
    assertEquals(lines(remote).length, 2);
  });

  it("is an index's image for linux/amd64, or for the platform that is asked for", async () => {
    const registry = new FakeRegistry();
    const platforms = ["linux/arm64/v8", "linux/amd64", "windows/amd64"];
    const children = platforms.map((platform, i) => ({
      ...addImage(registry, "app", { layers: [noise(10, i)] }).descriptor,
      platform: parsePlatform(platform),
    }));
    const { digest } = addIndex(registry, "app", children, "v1");
    const { puller } = remoting(registry);
    assertEquals(await (await puller.image(at("app:v1"))).digest(), children[1].digest);
    const arm = { platform: parsePlatform("linux/arm64") };
    assertEquals(await (await puller.image(at("app:v1"), arm)).digest(), children[0].digest);
    assertEquals(await puller.digest(at("app:v1"), arm), children[0].digest);
    assertEquals(await puller.digest(at("app:v1")), digest);
    const s390x = { platform: parsePlatform("linux/s390x") };
    await assertRejects(() => puller.image(at("app:v1"), s390x), NotFoundError, "linux/s390x");
  });

  it("takes a child without a platform for linux/amd64", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    addIndex(registry, "app", [descriptor], "v1");
    assertEquals(await (await remoting(registry).puller.image(at("app:v1"))).digest(), descriptor.digest);
  });

  it("takes embedded data for what it says after verification, and asks for nothing", async () => {
    const registry = new FakeRegistry();
    const { descriptor, config } = addImage(registry, "app", {
      layers: [],
      change: (manifest) => Object.assign(manifest.config as object, { data: btoa(text(EMPTY_CONFIG)) }),
    });
    registry.blobs.clear();
    const bytes = registry.manifestsOf("app").get(descriptor.digest)!.bytes;
    addIndex(registry, "app", [{ ...descriptor, data: btoa(text(bytes)) }], "v1");
    registry.manifestsOf("app").delete(descriptor.digest);
    const remote = remoting(registry);
    const image = await remote.puller.image(at("app:v1"));
    assertEquals(text(await image.rawConfigFile()), text(config));
    assertEquals(lines(remote), ["GET /v2/app/manifests/v1"]);
  });

  it("refuses embedded data that is not what it says", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    addIndex(registry, "app", [{ ...descriptor, data: btoa("x".repeat(descriptor.size)) }], "v1");
    const image = await remoting(registry).puller.image(at("app:v1"));
    await assertRejects(() => image.manifest(), Error, "digest");
  });

  it("refuses a child whose size is not what the index says", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    addIndex(registry, "app", [{ ...descriptor, size: descriptor.size + 1 }], "v1");
    const image = await remoting(registry).puller.image(at("app:v1"));
    await assertRejects(() => image.manifest(), ManifestError, "in its index");
  });
});

describe("Puller.index", () => {
  it("is a view of an index, nested ones too", async () => {
    const registry = new FakeRegistry();
    const image = addImage(registry, "app").descriptor;
    const inner = addIndex(registry, "app", [image]);
    const blob = { mediaType: "text/x-notes", digest: registry.addBlob("app", utf8("notes")), size: 5 };
    addIndex(registry, "app", [inner, image, blob], "v1");
    const index = await remoting(registry).puller.index(at("app:v1"));
    const [first, second, third] = await index.children();
    assertEquals([first, second, third].map(({ view }) => view.kind), ["index", "image", "layer"]);
    const [deep] = await (first.view as ImageIndex).children();
    assertEquals(await (deep.view as Image).digest(), image.digest);
    assertEquals(third.view.kind === "layer" && text(await contentOf(third.view)), "notes");
  });

  it("is not an image", async () => {
    const registry = new FakeRegistry();
    addImage(registry, "app", { tag: "v1" });
    await assertRejects(() => remoting(registry).puller.index(at("app:v1")), ManifestError, "is not an index");
  });
});

describe("Puller.layer", () => {
  it("is a blob by its digest", async () => {
    const registry = new FakeRegistry();
    const digest = registry.addBlob("app", utf8("a blob"));
    const layer = await remoting(registry).puller.layer(at(`app@${digest}`) as DigestReference);
    assertEquals([await layer.size(), text(await contentOf(layer))], [6, "a blob"]);
  });

  it("is an error where there is none, or its size can't be known", async () => {
    const registry = new FakeRegistry();
    const reference = at(`app@${digestOf(utf8("x"))}`) as DigestReference;
    await assertRejects(() => remoting(registry).puller.layer(reference), HttpError, "404");
    registry.on("HEAD", /blobs/, () => ({ status: 200, length: "chunked" }));
    await assertRejects(() => remoting(registry).puller.layer(reference), ProtocolError, "no Content-Length");
  });
});

describe("a schema 1 manifest", () => {
  const payload = '{\n   "schemaVersion": 1,\n   "name": "app"\n}';
  const protectedHeader = btoa(
    JSON.stringify({ formatLength: payload.length - 2, formatTail: btoa("\n}").replace(/=+$/, "") }),
  );
  const signed = utf8(
    `${payload.slice(0, -2)},\n   "signatures": [{"protected":"${protectedHeader.replace(/=+$/, "")}"}]\n}`,
  );
  const digest = digestOf(utf8(payload));
  const mediaType = MediaType.DockerManifestSchema1Signed;

  it("goes by the digest of what is signed, and can be copied but not opened", async () => {
    const registry = new FakeRegistry({ saysDigest: false });
    registry.addManifest("app", { bytes: signed, mediaType }, "v1");
    registry.manifestsOf("app").set(digest, { bytes: signed, mediaType });
    const { puller, pusher } = remoting(registry);
    for (const name of ["app:v1", `app@${digest}`]) {
      const manifest = await puller.get(at(name));
      assertEquals(manifest.descriptor satisfies Descriptor, { mediaType, digest, size: signed.length });
      await assertRejects(() => manifest.image(), ManifestError, "schema 1");
    }
    await pusher.tag(at("app:v1"), "v2");
    assertEquals(registry.manifestsOf("app").get("v2"), { bytes: signed, mediaType });
  });

  it("is refused when that is not the digest that was asked for", async () => {
    const registry = new FakeRegistry();
    const wanted = digestOf(utf8("something else"));
    registry.on("GET", /manifests/, () => ({
      status: 200,
      headers: { "content-type": mediaType, "docker-content-digest": wanted },
      body: signed,
    }));
    await assertRejects(() => remoting(registry).puller.get(at(`app@${wanted}`)), ManifestError, "whose digest is");
  });

  it("is refused when its signature says nothing", async () => {
    for (const signatures of [undefined, [], [{}], [{ protected: "!" }], [{ protected: btoa("{}") }]]) {
      const registry = new FakeRegistry();
      registry.addManifest("app", { bytes: utf8(JSON.stringify({ schemaVersion: 1, signatures })), mediaType }, "v1");
      await assertRejects(() => remoting(registry).puller.get(at("app:v1")), ManifestError, "can't be read");
    }
  });
});

describe("a registry that fails", () => {
  it("is asked again for a manifest, as long as there is hope", async () => {
    const registry = new FakeRegistry().on("GET", /manifests/, () => problem(503, "BUSY"), 3);
    addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    await remote.puller.get(at("app:v1"));
    assertEquals(remote.waits, [200, 600, 1800]);
  });
});
