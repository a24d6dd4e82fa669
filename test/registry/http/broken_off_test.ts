import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import {
  createRegistry,
  fileStore,
  r2Store,
  type RegistryStore,
  s3Store,
  serveRegistry,
} from "../../../src/registry/mod.ts";
import { digestOf, RegistryClient } from "../../contracts/registry_client.ts";
import { patterned, stream } from "../../contracts/store_contract.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";
import { rawRequest } from "../../make/raw_http.ts";
import { settled } from "../../make/waiting.ts";

const bytes = patterned(1_500_000); // several chunks of a file
const digest = digestOf(bytes);
const path = `/v2/app/blobs/${digest}`;

/** Content that outlives the stores over it. */
interface Content {
  /** A store that has not read anything of it. */
  open(): RegistryStore;
  remove?(): Promise<void>;
}

const kinds: Record<string, () => Promise<Content>> = {
  async "a file store"() {
    const directory = await mkdtemp(join(tmpdir(), "gcrane_broken_off_"));
    return { open: () => fileStore(directory), remove: () => rm(directory, { recursive: true }) };
  },
  "an S3 store"() {
    const s3 = new FakeS3();
    return Promise.resolve({ open: () => s3Store({ ...s3.keys, fetch: s3.fetch }) });
  },
  "an R2 store"() {
    const bucket = new FakeR2();
    return Promise.resolve({ open: () => r2Store(bucket) });
  },
};

for (const [kind, make] of Object.entries(kinds)) {
  describe(`a client that breaks off a GET from a registry over ${kind} (rule 22)`, () => {
    let content: Content;
    before(async () => {
      content = await make();
      const registry = createRegistry({ store: content.open() });
      await new RegistryClient({ fetch: registry.fetch, base: "http://registry.example.com" }).pushBlob("app", bytes);
    });
    after(() => content.remove?.());

    async function assertWhole(store: RegistryStore, when: string): Promise<void> {
      const { fetch } = createRegistry({ store });
      const answer = await fetch(`http://registry.example.com${path}`);
      const actual = digestOf(new Uint8Array(await answer.arrayBuffer()));
      assertEquals([answer.status, actual], [200, digest], when);
    }

    for (
      const { name, headers } of [{ name: "the blob", headers: {} }, {
        name: "a part",
        headers: { Range: "bytes=7-1400000" },
      }]
    ) {
      it(`takes ${name} from nobody, after however many chunks it leaves`, async () => {
        for (let count = 0, isOver = false; !isOver; count++) {
          for (let turns = -1; turns <= 20; turns++) {
            const store = content.open();
            const { fetch } = createRegistry({ store });
            const answer = await fetch(`http://registry.example.com${path}`, { headers });
            const reader = answer.body!.getReader();
            for (let i = 0; i < count; i++) isOver = (await reader.read()).done;
            const pending = turns < 0 ? undefined : reader.read().catch(() => {});
            for (let i = 0; i < turns; i++) await undefined; // so the read gets further each time
            await Promise.all([pending, reader.cancel("the client left")]);
            await settled();
            await assertWhole(store, `left after ${count} chunks, ${turns} turns into the next`);
          }
        }
      });
    }

    it("takes the blob from nobody when its signal aborts", async () => {
      for (const headers of [undefined, { Range: "bytes=1000000-1000001" }]) {
        for (let turns = 0; turns < 400; turns += 10) {
          const store = content.open();
          const { fetch } = createRegistry({ store });
          const stop = new AbortController();
          const answered = fetch(`http://registry.example.com${path}`, { headers, signal: stop.signal })
            .then((answer) => answer.arrayBuffer());
          for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
          stop.abort();
          await answered.catch(() => {});
          await settled();
          await assertWhole(store, `aborted after ${turns} turns`);
        }
      }
    });

    it("takes the blob from nobody when its socket is cut", { timeout: 60_000 }, async () => {
      const lengths = [0, 1, 65_536, 262_144, 750_000, bytes.length - 1, bytes.length];
      const requests = [`GET ${path}`, `HEAD ${path}`, `GET ${path} HTTP/1.1\r\nRange: bytes=5-1499990`];
      for (const request of requests) {
        for (const length of request.startsWith("HEAD") ? [0] : lengths) {
          const server = await serveRegistry({ store: content.open() });
          try {
            const head = request.includes("HTTP/1.1") ? request : `${request} HTTP/1.1`;
            await cutAfter(server.port, head, length);
            const answer = await fetch(server.url + path);
            const actual = digestOf(new Uint8Array(await answer.arrayBuffer()));
            assertEquals([answer.status, actual], [200, digest], `${request}, cut after ${length} bytes`);
          } finally {
            await server.shutdown();
          }
        }
      }
    });
  });
}

describe("an object that a service breaks off", () => {
  it("is no spoilt one", async () => {
    const bucket = new FakeR2();
    const store = r2Store(bucket);
    await store.uploads.append("u", stream(bytes));
    await store.uploads.finish("u", digest);
    const short = new FakeR2();
    for (const [key, object] of bucket.objects) {
      short.objects.set(key, key.startsWith("data/") ? { ...object, bytes: object.bytes.subarray(0, 1000) } : object);
    }
    const blob = await r2Store(short).blobs.get(digest);
    await assertRejects(
      async () => await new Response(await blob!.read()).arrayBuffer(),
      StoreError,
      "gave 1000 bytes instead of 1500000",
    );
  });
});

describe("a blob on the disk that is spoilt", () => {
  it("is never served whole, whatever clients did before", async () => {
    const disk = await mkdtemp(join(tmpdir(), "gcrane_broken_off_"));
    try {
      const store = fileStore(disk);
      await store.uploads.append("u", stream(bytes));
      await store.uploads.finish("u", digest);
      const wrong = bytes.slice();
      wrong[700_000] ^= 1;
      const hex = digest.slice("sha256:".length);
      for (const length of [0, 1, 262_144, bytes.length - 1, bytes.length]) {
        const server = await serveRegistry({ disk });
        try {
          const client = new RegistryClient({ fetch, base: server.url });
          await client.pushBlob("app", bytes);
          await writeFile(join(disk, "blobs", "sha256", hex.slice(0, 2), hex), wrong);
          await cutAfter(server.port, `GET ${path} HTTP/1.1`, length);
          const answer = await rawRequest(server.port, `GET ${path} HTTP/1.1`);
          assert(answer.status === 404 || answer.body.length < bytes.length, `${answer.status}: whole, spoilt bytes`);
          await assertRejects(() => fetch(server.url + path).then(wholeBody));
        } finally {
          await server.shutdown();
        }
      }
    } finally {
      await rm(disk, { recursive: true });
    }
  });
});

async function wholeBody(answer: Response): Promise<ArrayBuffer> {
  if (answer.status !== 200) throw new Error(`${answer.status}`);
  return await answer.arrayBuffer();
}

/** Sends a request and cuts the connection once so many bytes of the body have come, or all that do. */
async function cutAfter(port: number, head: string, length: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  let received = new Uint8Array(0);
  let bodyLength = -1;
  socket.on("data", (chunk: Uint8Array) => {
    if (bodyLength >= 0) {
      bodyLength += chunk.length;
    } else {
      received = Uint8Array.of(...received, ...chunk);
      const end = new TextDecoder("latin1").decode(received).indexOf("\r\n\r\n");
      if (end >= 0) bodyLength = received.length - end - 4;
    }
    if (bodyLength >= length) socket.destroy();
  });
  socket.write(`${head}\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  await closed;
}
