import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, it } from "node:test";
import { joinPath, remove, runtimeFetch, temporaryDirectory } from "../../src/runtime/mod.ts";
import { collect, streamOf } from "../make/streams.ts";
import { assertSameBytes, noise } from "../make/bytes.ts";
import { until } from "../make/waiting.ts";

const testdata = new URL("../testdata/runtime/", import.meta.url);
const ca = fs.readFileSync(new URL("ca.pem", testdata), "utf8");
const content = noise(1_000_000);

/** What the server has seen. */
interface Seen {
  line: string;
  headers: http.IncomingHttpHeaders;
  body: Uint8Array;
  socket: Socket;
}

let directory = "";
let seen: Seen[] = [];
let servers: http.Server[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory();
  seen = [];
  servers = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await remove(directory, { recursive: true });
});

const handler: http.RequestListener = (request, response) => {
  const chunks: Uint8Array[] = [];
  request.on("error", () => {});
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, headers, socket } = request;
    seen.push({ line: `${method} ${url}`, headers, body: new Uint8Array(Buffer.concat(chunks)), socket });
    if (url === "/moved") return void response.writeHead(307, { location: "/", "content-length": 0 }).end();
    if (url === "/nothing") return void response.writeHead(204).end();
    if (url === "/cut") {
      response.writeHead(200, { "content-length": 1000 });
      return void response.write("abc", () => socket.destroy());
    }
    if (url === "/coded") {
      return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(content));
    }
    if (url === "/hang") return void response.writeHead(200).write("abc");
    response.writeHead(200, { "content-length": content.byteLength, "x-test": "yes" }).end(content);
  });
};

async function start(server: http.Server, path?: string): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve)
  );
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

const startTls = () =>
  start(https.createServer({
    key: fs.readFileSync(new URL("localhost.key", testdata)),
    cert: fs.readFileSync(new URL("localhost.pem", testdata)),
  }, handler));

describe("runtimeFetch", () => {
  it("is an ordinary fetch without options, made once", async () => {
    const port = await start(http.createServer(handler));
    const fetcher = runtimeFetch();
    assertStrictEquals(runtimeFetch(), fetcher);
    const response = await fetcher(`http://127.0.0.1:${port}/a`, { headers: { "x-one": "1" } });
    assertEquals(new Uint8Array(await response.arrayBuffer()), content);
    assertEquals(seen[0].line, "GET /a");
    assertEquals(seen[0].headers["x-one"], "1");
    assertEquals((await fetcher(`http://127.0.0.1:${port}/moved`, { redirect: "manual" })).status, 307);
    await fetcher(new Request(`http://127.0.0.1:${port}/b`, { method: "POST", body: "hello" }));
    assertEquals(new TextDecoder().decode(seen[2].body), "hello");
  });

  it("decodes what a server encodes, unless it is asked not to", async () => {
    const port = await start(http.createServer(handler));
    await start(http.createServer(handler), joinPath(directory, "socket"));
    for (const fetcher of [runtimeFetch(), runtimeFetch({ unixSocket: joinPath(directory, "socket") })]) {
      const url = `http://127.0.0.1:${port}/coded`;
      const decoded = await fetcher(url);
      assertSameBytes(new Uint8Array(await decoded.arrayBuffer()), content);
      const verbatim = { headers: { "accept-encoding": "identity" }, decompress: false } as RequestInit;
      const coded = await fetcher(url, verbatim);
      assertEquals(coded.headers.get("content-encoding"), "gzip");
      assertSameBytes(new Uint8Array(await coded.arrayBuffer()), new Uint8Array(gzipSync(content)));
      const head = await fetcher(url, { method: "HEAD" });
      assertEquals(await head.text(), "");
    }
  });

  it("refuses an unknown certificate, unless it is told to accept it", async () => {
    const port = await startTls();
    const url = `https://127.0.0.1:${port}/`;
    await assertRejects(() => runtimeFetch()(url));
    await assertRejects(() => runtimeFetch({ insecureTls: false })(url));
    const insecure = await runtimeFetch({ insecureTls: true })(url);
    assertEquals(new Uint8Array(await insecure.arrayBuffer()), content);
    const trusted = await runtimeFetch({ ca })(url);
    assertEquals(new Uint8Array(await trusted.arrayBuffer()), content);
    await assertRejects(() => runtimeFetch()(url));
  });

  it("talks to a unix socket", async () => {
    const path = joinPath(directory, "socket");
    await start(http.createServer(handler), path);
    const fetcher = runtimeFetch({ unixSocket: path });
    const response = await fetcher("http://localhost/v1/images?x=1", { method: "POST", body: "hello" });
    assertEquals(response.headers.get("x-test"), "yes");
    assertEquals(new Uint8Array(await response.arrayBuffer()), content);
    assertEquals(seen[0].line, "POST /v1/images?x=1");
    assertEquals(seen[0].headers["content-length"], "5");
    const init = { method: "POST", body: streamOf(content), duplex: "half" } as RequestInit;
    await (await fetcher("http://localhost/load", init)).body?.cancel();
    assertEquals(seen[1].body, content);
  });
});

describe("runtimeFetch with options", () => {
  // A unix socket takes the same way as TLS options do.
  async function special(): Promise<typeof fetch> {
    const path = joinPath(directory, "socket");
    await start(http.createServer(handler), path);
    return runtimeFetch({ unixSocket: path });
  }

  it("gives a redirect to those who ask for it", async () => {
    const fetcher = await special();
    const response = await fetcher("http://localhost/moved", { redirect: "manual" });
    assertEquals([response.status, response.headers.get("location")], [307, "/"]);
    await assertRejects(() => fetcher("http://localhost/moved", { redirect: "error" }), TypeError);
  });

  it("gives answers that have no body", async () => {
    const fetcher = await special();
    assertEquals((await fetcher("http://localhost/nothing")).body, null);
    const head = await fetcher("http://localhost/", { method: "HEAD" });
    assertEquals(head.headers.get("content-length"), String(content.byteLength));
    assertEquals(await head.text(), "");
  });

  it("fails where there is no one, and where the answer is cut", async () => {
    const nobody = runtimeFetch({ unixSocket: joinPath(directory, "none") });
    await assertRejects(() => nobody("http://localhost/"));
    const fetcher = await special();
    await assertRejects(async () => await (await fetcher("http://localhost/cut")).text());
  });

  it("stops with the signal's reason, before, while and after", async () => {
    const fetcher = await special();
    const reason = new Error("enough");
    const aborted = fetcher("http://localhost/", { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await assertRejects(() => aborted), reason);
    const controller = new AbortController();
    const response = await fetcher("http://localhost/hang", { signal: controller.signal });
    const reader = response.body!.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "abc");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => reader.read()), reason);
    await until(() => seen[0].socket.destroyed);
  });

  it("closes the connection of a body that nobody wants", async () => {
    const fetcher = await special();
    await (await fetcher("http://localhost/hang")).body?.cancel();
    await until(() => seen[0].socket.destroyed);
  });

  it("uses a connection again, and a new one where the server has closed it", async () => {
    const fetcher = await special();
    for (let i = 0; i < 2; i++) await (await fetcher("http://localhost/")).arrayBuffer();
    assertStrictEquals(seen[1].socket, seen[0].socket);
    seen[1].socket.destroy();
    await (await fetcher("http://localhost/")).arrayBuffer();
    assertNotEquals(seen[2].socket === seen[0].socket, true);
  });

  it("streams the answer at the reader's pace", async () => {
    const fetcher = await special();
    const response = await fetcher("http://localhost/");
    assert(response.body !== null);
    assertEquals(await collect(response.body as ReadableStream<Uint8Array<ArrayBuffer>>), content);
  });
});
