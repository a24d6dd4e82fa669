import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  createRegistry,
  memoryStore,
  type RegistryServer,
  type RegistryStore,
  serveRegistry,
} from "../../../src/registry/mod.ts";
import {
  assertRefused,
  type Bytes,
  digestOf,
  encode,
  IMAGE,
  INDEX,
  RegistryClient,
} from "../../contracts/registry_client.ts";
import { until } from "../../make/waiting.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const base = "http://registry.example.com";

/** Sends raw bytes over a connection of their own. */
function send(server: RegistryServer, raw: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(server.port, server.hostname, () => {
      socket.write(raw, "latin1", () => resolve(socket));
    });
    socket.on("error", () => {}); // the server may well cut it
  });
}

/** All that comes over a connection until the other side closes it. */
function answerTo(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    socket.setEncoding("latin1").on("data", (part) => answer += part).on("close", () => resolve(answer));
  });
}

describe("a server, sent what no client should send", () => {
  let server: RegistryServer;
  let client: RegistryClient;
  const errors: unknown[] = [];
  beforeEach(async () => {
    errors.length = 0;
    server = await serveRegistry({ onError: (error) => errors.push(error) });
    client = new RegistryClient({ fetch, base: server.url });
  });
  afterEach(async () => {
    // The registry still works without listeners.
    await client.pushImage("after", "all", "v1");
    assertEquals(errors, []);
    await server.shutdown({ patience: 0 });
  });

  it("refuses 20,000 headers, and a very long one", async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `X-${index}: ${index}\r\n`).join("");
    for (const headers of [many, `X-Long: ${"x".repeat(1_000_000)}\r\n`]) {
      const answer = await answerTo(await send(server, `GET /v2/ HTTP/1.1\r\nHost: x\r\n${headers}\r\n`));
      assertMatch(answer, /^(HTTP\/1\.1 4(00|31) |$)/);
    }
  });

  it("keeps as much of a body as was said, and takes the rest for nothing", async () => {
    const digest = digestOf(encode("hello"));
    const head = `POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n`;
    const answer = await answerTo(await send(server, `${head}hello, and what was not promised\r\n\r\n`));
    assertMatch(answer, /^(HTTP\/1\.1 201 [^]*)?HTTP\/1\.1 400 /); // the one for the rest may come first
    const kept = await client.send("GET", `/v2/a/blobs/${digest}`);
    if (answer.includes(" 201 ") || kept.status === 200) assertEquals(kept.text, "hello");
  });

  it("keeps nothing of a body that is shorter than was said", async () => {
    const digest = digestOf(encode("hello"));
    const head = `POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n`;
    const socket = await send(server, `${head}hello`);
    socket.end();
    await answerTo(socket);
    assertEquals((await client.send("HEAD", `/v2/a/blobs/${digest}`)).status, 404);
  });

  it("does not take one request for two", async () => {
    const inner = "GET /v2/smuggled/tags/list HTTP/1.1\r\nHost: x\r\n\r\n";
    const two = [
      `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      `Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${inner}`,
      `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
      `Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`,
    ];
    for (const rest of two) {
      const request = `POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}`;
      const answer = await answerTo(await send(server, request));
      assertEquals(/smuggled|HTTP\/1\.1 2\d\d[^]*HTTP\/1\.1 [24]/.test(answer), false, answer);
    }
  });

  it("answers methods, versions and targets that there are not", async () => {
    const lines = [
      "BREW /v2/ HTTP/1.1",
      "GET /v2/ HTTP/9.9",
      "GET",
      "GET * HTTP/1.1",
      "GET http://[ HTTP/1.1",
      "\0\0\0",
    ];
    for (const line of lines) {
      const answer = await answerTo(await send(server, `${line}\r\nHost: x\r\nConnection: close\r\n\r\n`));
      assertMatch(answer, /^(HTTP\/1\.1 (4\d\d|505) |$)/, line);
    }
    const absolute = await answerTo(
      await send(server, "GET http://evil.example.com/v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    );
    assertMatch(absolute, /^HTTP\/1\.1 200 /);
  });

  it("keeps a body as it comes, whatever Content-Encoding says of it", async () => {
    const bomb = gzipSync(new Uint8Array(10_000_000)) as Bytes;
    const digest = digestOf(bomb);
    const headers = { "Content-Encoding": "gzip" };
    const answer = await client.send("POST", `/v2/a/blobs/uploads/?digest=${digest}`, { body: bomb, headers });
    assertEquals(answer.status, 201);
    assertEquals((await client.send("GET", `/v2/a/blobs/${digest}`)).bytes.length, bomb.length);
    const manifest = await client.send("PUT", "/v2/a/manifests/v1", { body: bomb, headers });
    assertRefused(manifest, 400, "MANIFEST_INVALID");
  });
});

describe("a client that stops reading", () => {
  it("stops the reading of the blob, and leaving ends it", async () => {
    const size = 1_000_000_000;
    let chunks = 0;
    const left = Promise.withResolvers<void>();
    const server = await serveRegistry({ store: endlessStore(size, () => chunks++, left.resolve) });
    try {
      const path = `/v2/a/blobs/${digestOf(encode("endless"))}`;
      const socket = await send(server, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.pause();
      await until(async () => {
        const before = chunks;
        for (let i = 0; i < 200; i++) await (await fetch(`${server.url}/v2/`)).body?.cancel();
        return chunks === before;
      }, { what: "200 answers to others without a chunk to this client" });
      assert(chunks * CHUNK < 100_000_000, `${chunks} chunks were read for a client that reads nothing`);
      socket.destroy();
      await left.promise;
    } finally {
      await server.shutdown({ patience: 0 });
    }
  });
});

describe("a manifest that is hard to read", () => {
  const client = new RegistryClient({ fetch: createRegistry().fetch, base });
  const headers = { "Content-Type": IMAGE };

  it("is refused, or taken, in a moment and in a few words", async () => {
    const missing = (index: number) => ({ mediaType: "a/b", digest: digestOf(encode(String(index))), size: 1 });
    const config = await client.blob("a", "application/vnd.oci.empty.v1+json", "{}");
    const layers = Array.from({ length: 20_000 }, (_, index) => missing(index));
    const many = await client.send("PUT", "/v2/a/manifests/many", {
      body: JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config, layers }),
      headers,
    });
    assertRefused(many, 400, "MANIFEST_BLOB_UNKNOWN");
    assertEquals(JSON.parse(many.text).errors.length, 100);

    const deep = `{"schemaVersion":2,"mediaType":"${IMAGE}","config":${
      JSON.stringify(config)
    },"layers":[],"annotations":`;
    const nested = await client.send("PUT", "/v2/a/manifests/deep", {
      body: `${deep}${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
      headers,
    });
    assertRefused(nested, 400, "MANIFEST_INVALID");
    const polluted = await client.send("PUT", "/v2/a/manifests/proto", {
      body: `${deep}{"__proto__":{"polluted":"yes"},"constructor":"x"},"__proto__":{"layers":7}}`,
      headers,
    });
    assert([201, 400].includes(polluted.status), polluted.text);
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
  });

  it("with sizes and digests that can't be is refused", async () => {
    for (const size of [-1, 1.5, 1e300, "1", null, Number.MAX_SAFE_INTEGER + 2]) {
      const manifests = [{ mediaType: IMAGE, digest: digestOf(encode("x")), size }];
      const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
      const answer = await client.send("PUT", "/v2/a/manifests/sizes", { body, headers: { "Content-Type": INDEX } });
      assertRefused(answer, 400, "MANIFEST_INVALID");
    }
  });
});

const CHUNK = 256 * 1024;

/** A store that has one blob, which it makes up as it is read. */
function endlessStore(size: number, onChunk: () => void, onCancel: () => void): RegistryStore {
  const chunk = new Uint8Array(CHUNK);
  const blob = {
    size,
    modified: 0,
    read: () =>
      Promise.resolve(
        new ReadableStream<Bytes>({
          pull(controller) {
            onChunk();
            controller.enqueue(chunk);
          },
          cancel: onCancel,
        }, { highWaterMark: 0 }),
      ),
  };
  const { records, blobs, uploads } = wrapStore(memoryStore(), () => Promise.resolve());
  return {
    records: { ...records, get: () => Promise.resolve(new Uint8Array(0)) },
    blobs: { ...blobs, get: () => Promise.resolve(blob) },
    uploads,
  };
}
