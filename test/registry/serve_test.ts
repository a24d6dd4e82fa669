import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StoreError } from "../../src/errors.ts";
import { memoryStore, type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { digestOf, encode, RegistryClient, withQuery } from "../contracts/registry_client.ts";
import { patterned } from "../contracts/store_contract.ts";
import { wrapStore } from "./stores/wrapped_store.ts";
import { until } from "../make/waiting.ts";

describe("serveRegistry", () => {
  it("keeps its content in memory unless told where", async () => {
    const server = await serveRegistry();
    const client = new RegistryClient({ fetch, base: server.url });
    assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assertEquals(server.url, `http://${server.hostname}:${server.port}`);
    await client.pushImage("memory", "image", "v1");
    await server.shutdown();
    await server.finished;
    await assertRejects(() => fetch(`${server.url}/v2/`));
  });

  it("finds what another left on the disk", async () => {
    const disk = await mkdtemp(join(tmpdir(), "gcrane_serve_"));
    try {
      for (const round of [1, 2]) {
        const server = await serveRegistry({ disk });
        const client = new RegistryClient({ fetch, base: server.url });
        if (round === 1) await client.pushImage("disk", "image", "v1");
        assertEquals(JSON.parse((await client.send("GET", "/v2/disk/tags/list")).text).tags, ["v1"]);
        await server.shutdown();
      }
    } finally {
      await rm(disk, { recursive: true });
    }
  });

  it("stops at its signal, also with a request in flight", async () => {
    const stop = new AbortController();
    const server = await serveRegistry({ signal: stop.signal });
    const client = new RegistryClient({ fetch, base: server.url });
    const upload = await client.startUpload("stopping");
    const socket = await request(server, `PATCH ${upload} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc`);
    stop.abort();
    await server.finished;
    await assertRejects(() => fetch(`${server.url}/v2/`));
    socket.destroy();
  });

  it("does not start for a signal that came before", async () => {
    await assertRejects(() => serveRegistry({ signal: AbortSignal.abort(new Error("too late")) }), Error, "too late");
  });
});

describe("serveRegistry's onError", () => {
  it("hears of a spoilt blob, whose answer is cut off, and not of a client that leaves", async () => {
    const disk = await mkdtemp(join(tmpdir(), "gcrane_serve_"));
    const told: unknown[] = [];
    const server = await serveRegistry({ disk, onError: (error) => told.push(error) });
    try {
      const client = new RegistryClient({ fetch, base: server.url });
      const bytes = new Uint8Array(8_000_000).fill(1);
      const digest = await client.pushBlob("spoilt", bytes);
      const socket = await request(server, `GET /v2/spoilt/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await new Promise((resolve) => socket.once("data", resolve));
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.destroy();
      await closed;
      const hex = digest.slice("sha256:".length);
      await writeFile(join(disk, "blobs", "sha256", hex.slice(0, 2), hex), bytes.fill(2));
      await assertRejects(() => client.send("GET", `/v2/spoilt/blobs/${digest}`));
      assertEquals(told.map((error) => (error as Error).name), ["DigestMismatchError"]);
    } finally {
      await server.shutdown();
      await rm(disk, { recursive: true });
    }
  });
});

describe("a registry whose store fails while a body comes in", () => {
  it("answers, whatever is still sent, and keeps count", { timeout: 60_000 }, async () => {
    const errors: unknown[] = [];
    const store = wrapStore(memoryStore(), async (operation, _id, body) => {
      if (operation !== "uploads.append") return;
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      reader.cancel().catch(() => {});
      throw new StoreError("no space left");
    });
    const server = await serveRegistry({ store, onError: (error) => errors.push(error) });
    try {
      const client = new RegistryClient({ fetch, base: server.url });
      const size = 20_000_000;
      const digest = `sha256:${"a".repeat(64)}`;
      const whole = withQuery("/v2/full/blobs/uploads/", `digest=${digest}`);
      const image = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
      for (const isChunked of [true, false]) {
        const session = new URL(await client.startUpload("full"), server.url);
        const other = new URL(withQuery(await client.startUpload("full"), `digest=${digest}`), server.url);
        for (
          const [line, headers, wanted, bytes] of [
            [`PATCH ${session.pathname}${session.search}`, "", 500, size],
            [`PUT ${other.pathname}${other.search}`, "", 500, size],
            [`POST ${whole}`, "", 500, size],
            ["PUT /v2/full/manifests/v1", image, 413, 110 * 1024 * 1024],
          ] as const
        ) {
          const answer = await sendAll(server, `${line} HTTP/1.1\r\nHost: x\r\n${headers}`, { bytes, isChunked });
          assertMatch(answer, new RegExp(`^HTTP/1.1 ${wanted} `), `${line}, ${isChunked}`);
          assertMatch(answer, /"errors":\[\{"code":"(UNKNOWN|SIZE_INVALID)"/);
        }
      }
      assertEquals(errors.map(String), new Array(6).fill("StoreError: no space left"));
      assertMatch((await client.send("GET", "/metrics")).text, /^gcrane_registry_failures_total 6$/m);
    } finally {
      await server.shutdown({ patience: 0 });
    }
  });
});

/** Sends a request with all of its body before it reads, and gives the answer. */
async function sendAll(
  server: RegistryServer,
  head: string,
  { bytes, isChunked }: { bytes: number; isChunked: boolean },
): Promise<string> {
  const socket = connect(server.port, server.hostname);
  const failed = Promise.withResolvers<void>();
  socket.on("error", () => failed.resolve()).on("close", () => failed.resolve());
  socket.pause();
  const write = async (data: string | Uint8Array) => {
    if (!socket.write(data)) {
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), failed.promise]);
    }
  };
  await write(`${head}${isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes}`}\r\n\r\n`);
  const chunk = new Uint8Array(1_000_000);
  for (let left = bytes; left > 0; left -= chunk.length) {
    const part = chunk.subarray(0, left);
    if (isChunked) await write(`${part.length.toString(16)}\r\n`);
    await write(part);
    if (isChunked) await write("\r\n");
  }
  if (isChunked) await write("0\r\n\r\n");
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString("latin1");
    if (/\r\n\r\n.*\}$/s.test(answer)) socket.destroy();
  });
  socket.resume();
  await failed.promise;
  return answer;
}

describe("a registry on a disk, whose readers leave", () => {
  it("serves a blob whole after each of them, and no spoilt one ever", { timeout: 60_000 }, async () => {
    const disk = await mkdtemp(join(tmpdir(), "gcrane_serve_"));
    // More than what lies in the buffers of a connection.
    const bytes = patterned(24_000_000);
    const digest = digestOf(bytes);
    const path = `/v2/broken/blobs/${digest}`;
    try {
      for (const headers of ["", "Range: bytes=100-\r\n"]) {
        for (const received of [0, 100_000, 12_000_000, bytes.length - 1]) {
          const server = await serveRegistry({ disk, onError: () => {} });
          try {
            const client = new RegistryClient({ fetch, base: server.url });
            if ((await client.send("HEAD", path)).status === 404) await client.pushBlob("broken", bytes);
            await cutAfter(server, `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`, received);
            await delay(100); // for the server to notice
            assertEquals((await client.send("HEAD", path)).status, 200, `${headers}${received} bytes`);
            assertEquals((await client.send("GET", path)).bytes, bytes, `${headers}${received} bytes`);
          } finally {
            await server.shutdown({ patience: 0 });
          }
        }
      }
      await writeFile(join(disk, "blobs", "sha256", digest.slice(7, 9), digest.slice(7)), bytes.with(5, 1));
      const server = await serveRegistry({ disk, onError: () => {} });
      try {
        const client = new RegistryClient({ fetch, base: server.url });
        await cutAfter(server, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 1000);
        await assertRejects(() => client.send("GET", path));
        assertEquals((await client.send("GET", path)).status, 404);
      } finally {
        await server.shutdown({ patience: 0 });
      }
    } finally {
      await rm(disk, { recursive: true });
    }
  });
});

/** Sends a request and cuts the connection once so many bytes of the answer, or more, are here. */
async function cutAfter(server: RegistryServer, raw: string, bytes: number): Promise<void> {
  const socket = connect(server.port, server.hostname, () => socket.write(raw));
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  socket.on("error", () => {}).on("close", () => resolve()).on("data", (part) => {
    count += part.length;
    if (count > bytes) socket.destroy();
  });
  await promise;
}

describe("a registry on a disk, reached by clients that misbehave", () => {
  let parent: string;
  let server: RegistryServer;
  let client: RegistryClient;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "gcrane_serve_"));
    server = await serveRegistry({ disk: join(parent, "disk") });
    client = new RegistryClient({ fetch, base: server.url });
  });
  afterEach(async () => {
    await server.shutdown();
    await rm(parent, { recursive: true });
  });

  for (const kind of ["of a known length", "in chunks"]) {
    it(`shows nothing of an upload ${kind} whose client goes away, and lets it go on`, async () => {
      const bytes = encode("hello world");
      const digest = digestOf(bytes);
      const upload = await client.startUpload("gone");
      const target = withQuery(upload, `digest=${digest}`);
      const start = kind === "in chunks"
        ? "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n"
        : "Content-Length: 11\r\n\r\nhello ";
      const socket = await request(server, `PUT ${target} HTTP/1.1\r\nHost: x\r\n${start}`);
      await until(async () => (await client.send("GET", upload)).headers.get("Range") === "0-5");
      socket.destroy();
      assertEquals((await client.send("HEAD", `/v2/gone/blobs/${digest}`)).status, 404);
      const rest = { body: encode("world"), headers: { "Content-Range": "6-10" } };
      assertEquals((await client.send("PUT", target, rest)).status, 201);
      assertEquals((await client.send("GET", `/v2/gone/blobs/${digest}`)).text, "hello world");
    });
  }

  it("leaves nothing of an upload in one request whose client goes away", async () => {
    const digest = digestOf(encode("hello world"));
    const uploads = join(parent, "disk", "uploads");
    const head = `POST /v2/gone/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n`;
    const socket = await request(server, `${head}hello `);
    const files = () => readdir(uploads).catch(() => []);
    await until(async () => (await files()).length === 1);
    socket.destroy();
    await until(async () => (await files()).length === 0);
    assertEquals((await client.send("HEAD", `/v2/gone/blobs/${digest}`)).status, 404);
    assertEquals((await client.send("GET", "/v2/gone/tags/list")).status, 404);
  });

  it("goes on when a client leaves in the middle of a download", async () => {
    const bytes = new Uint8Array(8_000_000).fill(1);
    const digest = await client.pushBlob("gone", bytes);
    const socket = await request(server, `GET /v2/gone/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    assertEquals((await client.send("GET", `/v2/gone/blobs/${digest}`)).bytes.length, bytes.length);
  });

  it("writes and reads nothing outside of its directory, whatever the path says", async () => {
    const targets = [
      ...["/v2/../../etc/passwd", "/v2/..%2f..%2fetc%2fpasswd/tags/list", "/v2/%2e%2e/%2e%2e/x/tags/list"],
      ...["/v2/a/../../../x/manifests/v1", "/v2/a/manifests/..%2f..%2f..%2fx", "/v2/a/manifests/%2e%2e"],
      ...["/v2/a/blobs/uploads/..%2f..%2f..%2fx", "/v2/a/blobs/uploads/%2e%2e", "/v2/a/blobs/sha256:..%2f..%2fx"],
      ...["/v2/a%00b/manifests/v1", "/v2/a\\..\\..\\b/manifests/v1", "/v2/a/manifests/v1%0d%0aX-Evil:1"],
      ...["/v2//etc/manifests/v1", "/v2/a//b/manifests/v1", "//v2/a/manifests/v1", "/v2/./a/manifests/.."],
      ...["/v2/_tags/manifests/v1", "/v2/a/_manifests/manifests/v1", `/v2/${"a/".repeat(2000)}b/manifests/v1`],
    ];
    const body = "{}";
    for (const target of targets) {
      for (const method of ["GET", "PUT", "POST", "PATCH", "DELETE"]) {
        const digest = digestOf(encode(body));
        const head = `${method} ${target}?digest=${digest}&mount=${digest}&from=../.. HTTP/1.1`;
        const raw = `${head}\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n${body}`;
        const answer = await answerTo(await request(server, raw));
        assertMatch(answer, /^HTTP\/1\.1 (400|404|405|414|431) /, `${method} ${target}: ${answer.slice(0, 200)}`);
        assertEquals(/X-Evil/i.test(answer.split("\r\n\r\n")[0]), false);
      }
    }
    assertEquals((await readdir(parent)).filter((name) => name !== "disk"), []);
    assertEquals(await readdir(join(parent, "disk")), ["records"]);
    assertEquals(await readdir(join(parent, "disk", "records")), ["health"]);
  });
});

/** Sends raw bytes over a connection of their own. */
function request(server: RegistryServer, raw: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.hostname);
    socket.on("error", reject);
    socket.write(raw, "latin1", () => resolve(socket));
  });
}

/** All that comes over a connection until the other side closes it. */
async function answerTo(socket: Socket): Promise<string> {
  let answer = "";
  socket.setEncoding("latin1");
  for await (const part of socket) answer += part;
  return answer;
}
