import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import process from "node:process";
import { describe, it } from "node:test";
import { type Layer, layerFromCompressed } from "../../src/image/mod.ts";
import { drain } from "../../src/io/mod.ts";
import { type DigestReference, parseRepository } from "../../src/name/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../src/runtime/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { FakeRegistry, type FakeServer, fakeServer } from "../fakes/mod.ts";

const MEBIBYTE = 1 << 20;
const SIZE = 300 * MEBIBYTE;
/** Far less than the layer, and far more than it needs: what a collector lets lie about differs. */
const BOUND = 200 * MEBIBYTE;

/** 300 MiB that are made while they are read, and leave nothing to collect. */
function content(): ByteStream {
  const chunk: Bytes = new Uint8Array(65536).fill(7);
  let at = 0;
  return pullStream({
    read() {
      if (at >= SIZE) return undefined;
      at += chunk.length;
      return chunk;
    },
  });
}

const DIGEST: Hash = await (async () => {
  const hash = createHash("sha256");
  for await (const chunk of content()) hash.update(chunk);
  return `sha256:${hash.digest("hex")}` as Hash;
})();

/** By how much the process grows at most, while work is done. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => most = Math.max(most, process.memoryUsage().rss), 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, process.memoryUsage().rss) - before;
}

async function serving(registry: FakeRegistry, test: (server: FakeServer) => Promise<void>): Promise<void> {
  const server = await fakeServer(registry.handle);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

/** The registry sends the blob without having it. */
function holding(registry: FakeRegistry): FakeRegistry {
  const headers = { "content-type": "application/octet-stream" };
  return registry
    .on("HEAD", /\/from\/blobs/, () => ({ status: 200, headers, length: SIZE }), 9)
    .on("GET", /\/from\/blobs/, () => ({ status: 200, headers, body: content(), length: SIZE }), 9);
}

describe("memory does not grow with a layer of 300 MiB", () => {
  it("that is pushed", { timeout: 60_000 }, async () => {
    const layer: Layer = layerFromCompressed({
      descriptor: { mediaType: MediaType.OciLayer, digest: DIGEST, size: SIZE },
      compressed: () => Promise.resolve(content()),
    });
    const registry = new FakeRegistry({ keeps: false });
    await serving(registry, async ({ host }) => {
      const grown = await growth(async () => void await new Pusher().upload(parseRepository(`${host}/app`), layer));
      assertEquals(registry.blobsOf("app").has(DIGEST), true);
      console.log("GROWN", grown / MEBIBYTE);
      assert(grown < BOUND, `it grew by ${Math.round(grown / MEBIBYTE)} MiB`);
    });
  });

  it("that is pushed with its length", { timeout: 60_000 }, async () => {
    const layer: Layer = layerFromCompressed({
      descriptor: { mediaType: MediaType.OciLayer, digest: DIGEST, size: SIZE },
      compressed: () => Promise.resolve(content()),
    });
    const registry = new FakeRegistry({ keeps: false });
    registry.on("PATCH", /./, () => ({ status: 405, headers: { connection: "close" } }));
    await serving(registry, async ({ host, requests }) => {
      const grown = await growth(async () => void await new Pusher().upload(parseRepository(`${host}/app`), layer));
      assertEquals(requests.at(-1)!.headers.get("content-length"), String(SIZE));
      console.log("GROWN", grown / MEBIBYTE);
      assert(grown < BOUND, `it grew by ${Math.round(grown / MEBIBYTE)} MiB`);
    });
  });

  it("that is pulled", { timeout: 60_000 }, async () => {
    await serving(holding(new FakeRegistry()), async ({ host }) => {
      const reference: DigestReference = parseRepository(`${host}/from`).digest(DIGEST);
      const layer = await new Pusher().puller().layer(reference);
      const grown = await growth(async () => assertEquals(await drain(await layer.compressed()), SIZE));
      console.log("GROWN", grown / MEBIBYTE);
      assert(grown < BOUND, `it grew by ${Math.round(grown / MEBIBYTE)} MiB`);
    });
  });

  it("that is copied", { timeout: 60_000 }, async () => {
    const registry = holding(new FakeRegistry({ keeps: false, mount: false }));
    await serving(registry, async ({ host }) => {
      const pusher = new Pusher();
      const layer = await pusher.puller().layer(parseRepository(`${host}/from`).digest(DIGEST));
      const grown = await growth(async () => void await pusher.upload(parseRepository(`${host}/to`), layer));
      assertEquals(registry.blobsOf("to").has(DIGEST), true);
      console.log("GROWN", grown / MEBIBYTE);
      assert(grown < BOUND, `it grew by ${Math.round(grown / MEBIBYTE)} MiB`);
    });
  });
});
