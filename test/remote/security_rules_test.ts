import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { DigestMismatchError, GcraneError, LimitError, SizeMismatchError } from "../../src/errors.ts";
import { type DigestReference, parseReference, parseRegistry, parseRepository } from "../../src/name/mod.ts";
import type { RemoteOptions } from "../../src/remote/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import type { RequestEvent } from "../../src/transport/mod.ts";
import { digestOf, type FakeAnswer, type FakeHandler, FakeRegistry, json, utf8 } from "../fakes/mod.ts";
import { annsKeychain } from "../make/connecting.ts";
import { addImage, at, contentOf, HOME, lines, remoting } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { watchedLayer } from "./pushing.ts";
import { Puller } from "../../src/remote/mod.ts";

// One suite for each row of the security rules that reading and writing keep; the others are in test/transport.

const CONTENT = noise(100_000, 6);
const APP = parseRepository("registry.example.com/app");

describe("security rule 7: size limits", () => {
  /** An answer of so many bytes of white space. */
  function blank(size: number, type: string): FakeAnswer {
    const chunk = new Uint8Array(1 << 20).fill(32);
    let left = size;
    const body: ByteStream = pullStream({
      read() {
        if (left <= 0) return undefined;
        const part = chunk.subarray(0, Math.min(left, chunk.length)) as Bytes;
        left -= part.length;
        return part;
      },
    });
    return { status: 200, headers: { "content-type": type }, body };
  }

  it("hold for manifests, referrers and pages: 100 MiB", { timeout: 60_000 }, async () => {
    const { puller } = remoting({
      [HOME]: ({ url }) => url.pathname === "/v2/" ? json(200, {}) : blank((100 << 20) + 1, MediaType.OciImageIndex),
    });
    const digest = digestOf(CONTENT);
    for (
      const read of [
        () => puller.get(at("app:v1")),
        () => puller.referrers(at(`app@${digest}`) as DigestReference),
        () => Array.fromAsync(puller.tags(APP)),
        () => Array.fromAsync(puller.catalog(parseRegistry("registry.example.com"))),
      ]
    ) await assertRejects(read, LimitError, "larger than the limit of 104857600 bytes");
  });

  it("hold for all pages of referrers together", { timeout: 60_000 }, async () => {
    let page = 0;
    const { puller } = remoting({
      [HOME]: ({ url }) => {
        if (url.pathname === "/v2/") return json(200, {});
        const headers = { "content-type": MediaType.OciImageIndex, link: `<?page=${++page}>` };
        const text = '{"schemaVersion":2,"manifests":[]}';
        return { status: 200, headers, body: utf8(text.padEnd(40 << 20)) };
      },
    });
    await assertRejects(
      () => puller.referrers(at(`app@${digestOf(CONTENT)}`) as DigestReference),
      LimitError,
      "104857600",
    );
    assertEquals(page, 3);
  });

  it("hold for a config: what its descriptor says", async () => {
    const registry = new FakeRegistry().on("GET", /blobs/, async (_, usual) => {
      const answer = await usual();
      return { ...answer, body: new Uint8Array([...answer.body as Bytes, 32]) };
    }, 9);
    addImage(registry, "app", { tag: "v1" });
    const image = await remoting(registry).puller.image(at("app:v1"));
    assertInstanceOf(await image.rawConfigFile().catch((error) => error), SizeMismatchError);
  });
});

describe("security rule 8: verification", () => {
  it("holds for every body with a known digest, before its stream closes", async () => {
    const registry = new FakeRegistry();
    const { descriptor, config } = addImage(registry, "app", { tag: "v1", layers: [CONTENT] });
    const spoil = (bytes: Bytes) => bytes.map((byte, i) => i === bytes.length - 1 ? byte ^ 1 : byte);
    registry.blobsOf("app").set(digestOf(CONTENT), spoil(CONTENT));
    registry.blobsOf("app").set(digestOf(config), spoil(config));
    const { puller } = remoting(registry);
    const image = await puller.image(at("app:v1"));
    const [layer] = await image.layers();

    const reader = (await layer.compressed()).getReader();
    let received = 0;
    const error = await (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) received += part.value.length;
    })().catch((error) => error);
    assertInstanceOf(error, DigestMismatchError);
    assertEquals(received <= CONTENT.length, true);
    await assertRejects(async () => await new Response(await layer.uncompressed()).arrayBuffer(), DigestMismatchError);
    await assertRejects(() => image.configFile(), DigestMismatchError);
    const blob = await puller.layer(at(`app@${digestOf(CONTENT)}`) as DigestReference);
    await assertRejects(() => contentOf(blob), DigestMismatchError);

    registry.manifestsOf("app").set(descriptor.digest, { bytes: utf8("{}"), mediaType: MediaType.OciManifest });
    await assertRejects(() => puller.get(at(`app@${descriptor.digest}`)), GcraneError, "digest");
  });

  it("counts what follows the layer in its answer", async () => {
    const registry = new FakeRegistry().on("GET", /blobs/, async (_, usual) => {
      const answer = await usual();
      return { ...answer, body: new Uint8Array([...answer.body as Bytes, 0]) };
    });
    addImage(registry, "app", { tag: "v1", layers: [CONTENT] });
    const [layer] = await (await remoting(registry).puller.image(at("app:v1"))).layers();
    await assertRejects(() => contentOf(layer), SizeMismatchError);
  });

  it("keeps a spoilt layer from being copied", async () => {
    const [source, target] = [new FakeRegistry(), new FakeRegistry()];
    addImage(source, "app", { tag: "v1", layers: [CONTENT] });
    source.blobsOf("app").set(digestOf(CONTENT), noise(100_000, 77));
    const { pusher } = remoting({ "https://source.example.com": source.handle, [HOME]: target.handle });
    const image = await new Puller({ client: pusher.client }).image(parseReference("source.example.com/app:v1"));
    await assertRejects(() => pusher.push(at("app:v1"), image), DigestMismatchError);
    assertEquals([target.manifestsOf("app").size, target.blobsOf("app").has(digestOf(CONTENT))], [0, false]);
  });
});

describe("security rule 13: DELETE", () => {
  it("asks for the scope push,pull,delete", async () => {
    const registry = new FakeRegistry({ auth: "bearer" });
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry, { keychain: annsKeychain });
    await remote.pusher.delete(at(`app@${descriptor.digest}`));
    assertEquals(registry.tokens.asked, [["repository:app:push,pull,delete"]]);
    assertEquals(lines(remote).at(-1), `DELETE /v2/app/manifests/${descriptor.digest}`);
  });

  it("is the only one that does", async () => {
    const registry = new FakeRegistry({ auth: "bearer" });
    const remote = remoting(registry, { keychain: annsKeychain });
    await remote.pusher.upload(APP, watchedLayer(CONTENT).layer);
    await remote.pusher.checkPush(APP);
    await remote.puller.head(at("app:v1")).catch(() => {});
    assertEquals(
      new Set(registry.tokens.asked.flat()),
      new Set(["repository:app:push,pull", "repository:app:pull"]),
    );
  });
});

describe("security rule 15: secrets", () => {
  const SECRETS = ["s3cret", btoa("ann:s3cret"), "token-1", "token-2"];
  const found = (value: unknown) => {
    const text = `${value}${JSON.stringify(value)}${
      value instanceof Error ? `${value.stack}${value.cause}${JSON.stringify(value.cause)}` : ""
    }`;
    return SECRETS.filter((secret) => text.includes(secret));
  };

  it("are neither in errors of uploads and downloads nor in what is told of requests", async () => {
    const signed = "https://u:s3cret@cdn.example.com/blob?sig=s3cret";
    const registry = new FakeRegistry({ auth: "bearer" });
    addImage(registry, "app", { tag: "v1", layers: [CONTENT] });
    const events: RequestEvent[] = [];
    const options: RemoteOptions = {
      keychain: annsKeychain,
      onRequest: (event) => events.push(event),
      retry: { attempts: 2 },
    };
    const endings: FakeHandler[] = [
      () => ({ status: 403, body: `denied: ${signed}` }),
      () => "cut",
      () => ({ status: 200, body: CONTENT, cutAfter: 5 }),
      () => ({ status: 307, headers: { location: "https://10.0.0.1/?sig=s3cret" } }),
    ];
    for (const ending of endings) {
      const { puller, pusher } = remoting({ [HOME]: registry.handle, "https://cdn.example.com": ending }, options);
      const [layer] = await (await puller.image(at("app:v1"))).layers();
      registry.on("GET", /blobs/, () => ({ status: 307, headers: { location: signed } }), 9);
      registry.on("POST", /uploads/, () => ({ status: 202, headers: { location: signed } }), 9);
      const errors = [
        await contentOf(layer).catch((error) => error),
        await pusher.upload(APP, watchedLayer(noise(100_000, 1)).layer).catch((error) => error),
      ];
      for (const error of errors) {
        assert(error instanceof GcraneError, `${error}`);
        assertEquals([found(error), error.message.includes("\n")], [[], false], error.message);
      }
    }
    assertEquals(found(events), []);
    assert(events.some(({ url }) => url.includes("sig=REDACTED")));
    assert(events.some(({ url }) => url.startsWith(`${HOME}/token?`)));
  });
});
