import { assertEquals, assertRejects } from "@std/assert";
import { toBytes } from "@std/streams/to-bytes";
import { describe, it } from "node:test";
import { HttpError } from "../../src/errors.ts";
import {
  type Content,
  emptyImage,
  layerFromBytes,
  randomImage,
  randomIndex,
  staticLayer,
  streamLayer,
} from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { digestOf, FakeRegistry, problem, utf8 } from "../fakes/mod.ts";
import { imageOf, watchedLayer } from "./pushing.ts";
import { annsKeychain } from "../make/connecting.ts";
import { addImage, addIndex, at, lines, remoting, steps } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { Puller } from "../../src/remote/mod.ts";

const APP = parseRepository("registry.example.com/app");

describe("Pusher.push", () => {
  it("sends config, layers and manifest, and gives the digest", async () => {
    const registry = new FakeRegistry();
    const remote = remoting(registry);
    const image = randomImage({ layers: 2, size: 100_000, seed: 1 });
    const digest = await remote.pusher.push(at("app:v1"), image);
    assertEquals(digest, await image.digest());
    assertEquals(registry.manifestsOf("app").get("v1")?.bytes, await image.rawManifest());
    assertEquals(registry.manifestsOf("app").get("v1")?.mediaType, MediaType.OciManifest);
    assertEquals(registry.blobsOf("app").size, 3);
    const pulled = await remote.puller.image(at("app:v1"));
    for (const [i, layer] of (await pulled.layers()).entries()) {
      assertEquals(await layer.digest(), await (await image.layers())[i].digest());
      await (await layer.compressed()).pipeTo(new WritableStream());
    }
  });

  it("sends nothing when the tag names the same manifest already", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    const image = await remoting(registry).puller.image(at("app:v1"));
    for (const name of ["app:v1", `app@${descriptor.digest}`]) {
      const remote = remoting(registry);
      assertEquals(await remote.pusher.push(at(name), image), descriptor.digest);
      assertEquals(lines(remote).length, 1);
      assertEquals(lines(remote)[0].startsWith("HEAD /v2/app/manifests/"), true);
    }
  });

  it("pushes where the registry won't say what the tag names", async () => {
    for (const status of [400, 401, 403, 404, 405, 406]) {
      const registry = new FakeRegistry().on("HEAD", /manifests/, () => ({ status }));
      await remoting(registry).pusher.push(at("app:v1"), emptyImage());
      assertEquals(registry.manifestsOf("app").has("v1"), true);
    }
  });

  it("reads no layer that the repository has", async () => {
    const registry = new FakeRegistry();
    const bytes = noise(100_000);
    registry.addBlob("app", bytes);
    const { layer, streams } = watchedLayer(bytes);
    const remote = remoting(registry);
    await remote.pusher.upload(APP, layer);
    assertEquals([streams.opened, steps(remote)], [0, ["HEAD /v2/app/blobs/D"]]);
  });

  it("mounts a layer from another repository of the registry, and does not read it", async () => {
    const registry = new FakeRegistry({ auth: "bearer" });
    const bytes = noise(100_000);
    registry.addBlob("base/image", bytes);
    const { layer, streams } = watchedLayer(bytes, { registry: "registry.example.com", repository: "base/image" });
    const remote = remoting(registry, { keychain: annsKeychain });
    await remote.pusher.upload(APP, layer);
    assertEquals(streams.opened, 0);
    assertEquals(steps(remote).filter((line) => !line.includes("/token")), [
      "HEAD /v2/app/blobs/D",
      "POST /v2/app/blobs/uploads/?mount=D&from=base%2Fimage",
    ]);
    assertEquals(registry.tokens.asked, [["repository:app:push,pull"], [
      "repository:app:push,pull",
      "repository:base/image:pull",
    ]]);
    assertEquals(registry.blobsOf("app").size, 1);
  });

  it("sends a layer whose mount is refused, in the session that was begun for it", async () => {
    const registry = new FakeRegistry({ mount: false });
    const { layer, streams } = watchedLayer(noise(100_000), {
      registry: "registry.example.com",
      repository: "base",
    });
    const remote = remoting(registry);
    await remote.pusher.upload(APP, layer);
    assertEquals(streams.opened, 1);
    assertEquals(steps(remote).slice(1), [
      "POST /v2/app/blobs/uploads/?mount=D&from=base",
      "PATCH /v2/app/blobs/uploads/S",
      "PUT /v2/app/blobs/uploads/S&digest=D",
    ]);
  });

  it("sends a layer whose mount is an error", async () => {
    for (const status of [400, 401, 403, 404, 405, 422]) {
      const registry = new FakeRegistry().on("POST", /mount=/, () => problem(status, "NO"));
      const { layer } = watchedLayer(noise(100_000), { registry: "registry.example.com", repository: "base" });
      await remoting(registry).pusher.upload(APP, layer);
      assertEquals(registry.blobsOf("app").size, 1);
    }
  });

  it("mounts nothing from another registry, nor from the repository itself", async () => {
    for (
      const origin of [{ registry: "other.example.com", repository: "base" }, {
        registry: "registry.example.com",
        repository: "app",
      }]
    ) {
      const registry = new FakeRegistry();
      const { layer } = watchedLayer(noise(100_000), origin);
      const remote = remoting(registry);
      await remote.pusher.upload(APP, layer);
      assertEquals(steps(remote).filter((line) => line.includes("mount")), []);
    }
  });

  it("sends each digest once, however often and at the same time it is asked to", async () => {
    const registry = new FakeRegistry();
    const { layer, streams } = watchedLayer(noise(100_000));
    const same = watchedLayer(noise(100_000)).layer;
    const remote = remoting(registry);
    await Promise.all([layer, same, layer].map((each) => remote.pusher.upload(APP, each)));
    await remote.pusher.upload(APP, same);
    await remote.pusher.push(at("app:v1"), imageOf(layer, same, layer));
    assertEquals(streams.opened, 1);
    assertEquals(
      steps(remote).filter((line) => line === "HEAD /v2/app/blobs/D").length,
      2,
      "the layer's and the config's",
    );
  });

  it("sends a digest to each registry, and mounts it in further repositories", async () => {
    const registry = new FakeRegistry();
    const { layer, streams } = watchedLayer(noise(100_000));
    const remote = remoting(registry);
    await remote.pusher.upload(APP, layer);
    await remote.pusher.upload(parseRepository("registry.example.com/other"), layer);
    assertEquals(streams.opened, 1);
    assertEquals(registry.blobsOf("other").size, 1);
  });

  it("leaves no trace of an upload that failed", async () => {
    const registry = new FakeRegistry().on("POST", /uploads/, () => problem(403, "DENIED"), 1);
    const { layer } = watchedLayer(noise(100_000));
    const remote = remoting(registry);
    const both = [remote.pusher.upload(APP, layer), remote.pusher.upload(APP, layer)];
    for (const upload of both) await assertRejects(() => upload, HttpError, "DENIED");
    await remote.pusher.upload(APP, layer);
    assertEquals(registry.blobsOf("app").size, 1);
  });

  it("passes over layers that are not distributable, unless they are asked for", async () => {
    const bytes = noise(1000);
    const foreign = await staticLayer(bytes, MediaType.DockerForeignLayer);
    for (const allowNondistributable of [false, true]) {
      const registry = new FakeRegistry();
      const remote = remoting(registry, { allowNondistributable });
      await remote.pusher.push(at("app:v1"), imageOf(foreign));
      assertEquals(registry.blobsOf("app").has(digestOf(bytes)), allowNondistributable);
      assertEquals(registry.manifestsOf("app").has("v1"), true);
    }
  });

  it("sends a streaming layer in one pass", async () => {
    const registry = new FakeRegistry();
    const remote = remoting(registry);
    const tar = noise(300_000);
    const layer = streamLayer(streamOf(tar));
    const digest = await remote.pusher.push(at("app:v1"), imageOf(layer));
    const stored = registry.blobsOf("app").get(await layer.digest())!;
    const unpacked = new Response(stored).body!.pipeThrough(new DecompressionStream("gzip"));
    assertEquals(await toBytes(unpacked), tar);
    assertEquals(await (await remote.puller.image(at("app:v1"))).digest(), digest);
    assertEquals(steps(remote).slice(0, 3), [
      "POST /v2/app/blobs/uploads/",
      "PATCH /v2/app/blobs/uploads/S",
      "PUT /v2/app/blobs/uploads/S&digest=D",
    ]);
  });

  it("compresses a layer once, to see whether the repository has it", async () => {
    let opened = 0;
    const tar = noise(300_000);
    const make = async () => {
      const layer = await layerFromBytes(tar);
      const content: Content = {
        get identity() {
          return layer.content.identity;
        },
        once: false,
        origins: [],
        open(options) {
          opened++;
          return layer.content.open(options);
        },
      };
      return { ...layer, content };
    };
    const registry = new FakeRegistry();
    await remoting(registry).pusher.push(at("app:v1"), imageOf(await make()));
    assertEquals(opened, 1);
    const remote = remoting(registry);
    await remote.pusher.push(at("app:v2"), imageOf(await make()));
    assertEquals(steps(remote).filter((line) => line.startsWith("POST")), []);
    assertEquals(opened, 2);
  });

  it("sends an index's members first, each once, under their digests", async () => {
    const registry = new FakeRegistry();
    const source = new FakeRegistry();
    const image = addImage(source, "src", { layers: [noise(100)] }).descriptor;
    const other = addImage(source, "src", { layers: [noise(200)] }).descriptor;
    const inner = addIndex(source, "src", [image, other]);
    const blob = { mediaType: "text/x-notes", digest: source.addBlob("src", utf8("notes")), size: 5 };
    addIndex(source, "src", [inner, image, image, blob], "v1");
    const index = await remoting({ "https://source.example.com": source.handle }).puller.index(
      parseRepository("source.example.com/src").tag("v1"),
    );
    const remote = remoting(registry);
    const digest = await remote.pusher.push(at("app:v1"), index);
    const puts = lines(remote).filter((line) => line.startsWith("PUT /v2/app/manifests/")).map((line) =>
      line.split("/").at(-1)
    );
    assertEquals(puts.toSorted(), [image.digest, other.digest, inner.digest, "v1"].toSorted());
    assertEquals(puts.at(-1), "v1");
    assertEquals(puts.indexOf(inner.digest) > Math.max(puts.indexOf(image.digest), puts.indexOf(other.digest)), true);
    assertEquals(registry.manifestsOf("app").has(digest), true);
    assertEquals(new TextDecoder().decode(registry.blobsOf("app").get(blob.digest)), "notes");
  });

  it("passes over members that the repository has, with all that they hold", async () => {
    const registry = new FakeRegistry();
    const index = randomIndex({ images: 3, seed: 3 });
    await remoting(registry).pusher.push(at("app:v1"), index);
    const remote = remoting(registry);
    await remote.pusher.push(at("app:v2"), index);
    assertEquals(steps(remote), [
      "HEAD /v2/app/manifests/v2",
      ...Array(3).fill("HEAD /v2/app/manifests/D"),
      "PUT /v2/app/manifests/v2",
    ]);
  });

  it("does not put a manifest whose layer could not be sent", async () => {
    const registry = new FakeRegistry().on("PUT", /uploads/, () => problem(400, "DIGEST_INVALID"), 9);
    await assertRejects(() => remoting(registry).pusher.push(at("app:v1"), randomImage()), HttpError, "DIGEST_INVALID");
    assertEquals(registry.manifestsOf("app").size, 0);
  });

  it("copies within a registry on the connections of a pusher", async () => {
    const registry = new FakeRegistry();
    addImage(registry, "src", { tag: "v1" });
    const remote = remoting(registry);
    const image = await new Puller({ client: remote.pusher.client }).image(at("src:v1"));
    await remote.pusher.push(at("app:v1"), image);
    assertEquals(remote.requests.filter(({ path }) => path === "/v2/").length, 1);
    assertEquals(remote.requests.filter(({ method, path }) => method === "GET" && path.includes("/blobs/")), []);
    assertEquals(registry.blobsOf("app").size, 3);
  });
});
