import { assertEquals, assertRejects } from "@std/assert";
import { it } from "node:test";
import type { Keychain } from "../../src/authn/mod.ts";
import { HttpError } from "../../src/errors.ts";
import {
  compareImages,
  compareIndexes,
  type Image,
  imageFromUncompressed,
  layerFromBytes,
  type ProgressEvent,
  randomImage,
  randomIndex,
  staticLayer,
  streamLayer,
  validateImage,
} from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import {
  type DigestReference,
  parseReference,
  parseRegistry,
  parseRepository,
  type Reference,
} from "../../src/name/mod.ts";
import { Puller, Pusher, type RemoteOptions } from "../../src/remote/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { FakeRegistry, fakeServer, utf8 } from "../fakes/mod.ts";
import { addImage } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";

/** A registry that tests talk to, whichever it is. */
export interface TestedRegistry {
  /** Its host. */
  readonly host: string;
  /** How it is reached, if not over the wire. */
  readonly fetch?: typeof fetch;
  /** The credentials. */
  readonly keychain?: Keychain;
}

/** The tests that every registry passes, ours and others. */
export function roundTrips(registry: () => TestedRegistry): void {
  const remote = (options: RemoteOptions = {}) => {
    const { fetch, keychain } = registry();
    const all = { ...(fetch ? { fetch } : {}), keychain, ...options };
    return { puller: new Puller(all), pusher: new Pusher(all) };
  };
  const at = (text: string): Reference => parseReference(`${registry().host}/${text}`);

  it("pushes and pulls an image, large layers and small", async () => {
    const { puller, pusher } = remote();
    const image = randomImage({ layers: 3, size: 2_000_000, seed: 11 });
    const digest = await pusher.push(at("trips/image:v1"), image);
    for (const reference of [at("trips/image:v1"), at(`trips/image@${digest}`)]) {
      const pulled = await puller.image(reference);
      assertEquals(await compareImages(image, pulled), []);
      await validateImage(pulled);
      assertEquals(await puller.head(reference), {
        mediaType: MediaType.OciManifest,
        digest,
        size: await image.size(),
      });
    }
  });

  it("pushes and pulls Docker's media types", async () => {
    const { puller, pusher } = remote();
    const image = randomImage({ seed: 12, mediaType: MediaType.DockerManifestSchema2, compression: "gzip" });
    await pusher.push(at("trips/docker:v1"), image);
    assertEquals(await compareImages(image, await puller.image(at("trips/docker:v1"))), []);
  });

  it("pushes and pulls an index, and selects by platform", async () => {
    const { puller, pusher } = remote();
    const platforms = ["linux/amd64", "linux/arm64"].map((text) => parsePlatform(text));
    const index = randomIndex({ platforms, seed: 13 });
    await pusher.push(at("trips/index:v1"), index);
    assertEquals(await compareIndexes(index, await puller.index(at("trips/index:v1"))), []);
    const [, arm] = (await index.manifest()).manifests;
    assertEquals(await puller.digest(at("trips/index:v1"), { platform: platforms[1] }), arm.digest);
  });

  it("pushes a stream, and a layer that is compressed on the way", async () => {
    const { puller, pusher } = remote();
    const layers = [
      streamLayer(streamOf(noise(500_000))),
      await layerFromBytes(noise(500_000, 2), { compression: "zstd" }),
    ];
    const image: Image = imageFromUncompressed({
      rawConfigFile: async () => {
        const diff_ids = [await layers[0].diffId(), await layers[1].diffId()];
        return jsonBytes({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids } });
      },
      layers: () => Promise.resolve(layers),
    });
    await pusher.push(at("trips/stream:v1"), image);
    const pulled = await (await puller.image(at("trips/stream:v1"))).layers();
    for (const [i, layer] of pulled.entries()) {
      const content = await new Response(await layer.uncompressed()).arrayBuffer();
      assertEquals(new Uint8Array(content), noise(500_000, i + 1));
    }
  });

  it("mounts from one repository in another", async () => {
    const events: ProgressEvent[] = [];
    const { pusher } = remote({ onProgress: (event) => events.push(event) });
    await pusher.push(at("trips/from:v1"), randomImage({ seed: 14, size: 200_000 }));
    events.length = 0;
    const image = await new Puller({ client: pusher.client }).image(at("trips/from:v1"));
    const digest = await pusher.push(at("trips/to:v1"), image);
    assertEquals(events.filter(({ state }) => !["waiting", "active", "mounted"].includes(state)), []);
    assertEquals((await new Puller({ client: pusher.client }).head(at("trips/to:v1"))).digest, digest);
  });

  it("copies from another registry, and back", async () => {
    const elsewhere = new FakeRegistry();
    addImage(elsewhere, "app", { tag: "v1", layers: [noise(300_000), noise(10)] });
    const server = await fakeServer(elsewhere.handle);
    try {
      const other = parseReference(`${server.host}/app:v1`);
      const { fetch: near, keychain } = registry();
      const routed: typeof fetch = (input, init) =>
        near && !String(input).includes(server.host) ? near(input, init) : fetch(input, init);
      const pusher = new Pusher({ keychain, ...(near ? { fetch: routed } : {}) });
      const digest = await pusher.push(at("trips/copied:v1"), await new Puller({ client: pusher.client }).image(other));
      elsewhere.blobs.clear();
      elsewhere.manifests.clear();
      await pusher.push(other, await new Puller({ client: pusher.client }).image(at("trips/copied:v1")));
      assertEquals((await new Puller({ client: pusher.client }).head(other)).digest, digest);
      assertEquals(elsewhere.blobsOf("app").size, 3);
    } finally {
      await server.close();
    }
  });

  it("lists tags and repositories, page by page", async () => {
    const { puller, pusher } = remote();
    const repository = parseRepository(`${registry().host}/trips/listed`);
    await pusher.push(repository.tag("v1"), randomImage({ seed: 15 }));
    for (const tag of ["v2", "v3", "latest"]) await pusher.tag(repository.tag("v1"), tag);
    assertEquals(await Array.fromAsync(puller.tags(repository)), ["latest", "v1", "v2", "v3"]);
    const paged = await Array.fromAsync(puller.tags(repository, { pageSize: 3 }));
    assertEquals(paged, ["latest", "v1", "v2", "v3"]);
    const all = await Array.fromAsync(puller.catalog(parseRegistry(registry().host), { pageSize: 2 }));
    assertEquals(all.includes("trips/listed"), true);
    assertEquals(new Set(all).size, all.length);
  });

  it("deletes", async () => {
    const { puller, pusher } = remote();
    const digest = await pusher.push(at("trips/deleted:v1"), randomImage({ seed: 16 }));
    await pusher.delete(at(`trips/deleted@${digest}`));
    await assertRejects(() => puller.head(at("trips/deleted:v1")), HttpError, "404");
  });

  it("keeps referrers, whoever lists them", async () => {
    const { puller, pusher } = remote();
    const digest = await pusher.push(at("trips/subject:v1"), randomImage({ seed: 17 }));
    const subject = await puller.head(at("trips/subject:v1"));
    const empty = await pusher.upload(
      at("trips/subject:v1").repository,
      await staticLayer(utf8("{}"), MediaType.OciEmpty),
    );
    const artifactType = "application/vnd.example.note";
    const mediaType = MediaType.OciManifest;
    const bytes = jsonBytes({ schemaVersion: 2, mediaType, artifactType, config: empty, layers: [], subject });
    const note = await pusher.put(at("trips/subject:note"), { bytes, mediaType });
    const reference = at(`trips/subject@${digest}`) as DigestReference;
    for (const options of [{}, { artifactType }]) {
      const found = await (await puller.referrers(reference, options)).manifest();
      assertEquals(found.manifests.map((it) => [it.digest, it.artifactType]), [[note, artifactType]]);
    }
    const none = await (await puller.referrers(reference, { artifactType: "x/y" })).manifest();
    assertEquals(none.manifests, []);
  });

  it("checks whether it may push", async () => {
    await remote().pusher.checkPush(parseRepository(`${registry().host}/trips/checked`));
  });

  it("says what is not there", async () => {
    const { puller } = remote();
    await assertRejects(() => puller.get(at("trips/none:v1")), HttpError, "404 Not Found");
    const digest = `sha256:${"0".repeat(64)}`;
    await assertRejects(() => puller.layer(at(`trips/none@${digest}`) as DigestReference), HttpError, "404");
  });
}
