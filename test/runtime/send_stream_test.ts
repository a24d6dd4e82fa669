import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, it } from "node:test";
import { type Bytes, joinPath, remove, runtimeFetch, sendStream, temporaryDirectory } from "../../src/runtime/mod.ts";
import { nodeFetch } from "../../src/runtime/node_fetch.ts";
import { created, type RawServer, rawServer, type RawServerOptions } from "../make/raw_http.ts";
import { noise } from "../make/bytes.ts";
import { settled, until } from "../make/waiting.ts";
import { streamOf, watchedSource } from "../make/streams.ts";

const content = noise(1_000_000);
let servers: RawServer[] = [];

async function start(options?: RawServerOptions): Promise<RawServer> {
  const server = await rawServer(options);
  servers.push(server);
  return server;
}
afterEach(async () => {
  for (const server of servers) await server.close();
  servers = [];
});

const urlOf = (server: RawServer) => `http://127.0.0.1:${server.port}/v2/upload`;
const octets = () => new Headers({ "content-type": "application/octet-stream" });

describe("sendStream", () => {
  it("sends Content-Length, and not chunked, where a length is demanded", async () => {
    const server = await start();
    const response = await sendStream({
      url: urlOf(server),
      method: "PUT",
      headers: octets(),
      body: streamOf(content),
      contentLength: content.byteLength,
      demandLength: true,
    });
    assertEquals([response.status, await response.text()], [201, "ok"]);
    const [{ head, bytes }] = server.requests;
    assert(head.startsWith("PUT /v2/upload HTTP/1.1\r\n"), head);
    assert(/\r\ncontent-length: 1000000\r\n/i.test(`${head}\r\n`), head);
    assert(/\r\ncontent-type: application\/octet-stream\r\n/i.test(`${head}\r\n`), head);
    assertEquals(/transfer-encoding/i.test(head), false);
    assertEquals(bytes, content.byteLength);
  });

  it("sends an empty body with its length", async () => {
    const server = await start();
    const body = streamOf(new Uint8Array(0));
    const request = {
      url: urlOf(server),
      method: "PUT",
      headers: octets(),
      body,
      contentLength: 0,
      demandLength: true,
    };
    assertEquals((await sendStream(request)).status, 201);
    assert(/content-length: 0/i.test(server.requests[0].head), server.requests[0].head);
  });

  it("sends all of a stream whose length is not known, or not demanded", async () => {
    const server = await start();
    for (const length of [{}, { contentLength: content.byteLength }]) {
      const body = streamOf(content);
      const response = await sendStream({ url: urlOf(server), method: "PATCH", headers: octets(), body, ...length });
      assertEquals(response.status, 201);
      await response.text();
    }
    for (const { bytes } of server.requests) assert(bytes >= content.byteLength);
  });

  it("gives a redirect as it is", async () => {
    const server = await start({ answer: "HTTP/1.1 307 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n" });
    for (const demandLength of [true, false]) {
      const response = await sendStream({
        url: urlOf(server),
        method: "PUT",
        headers: octets(),
        body: streamOf(content),
        contentLength: content.byteLength,
        demandLength,
      });
      assertEquals([response.status, response.headers.get("location")], [307, "/x"]);
    }
    assertEquals(server.requests.length, 2);
  });

  it("fails, and sends no more, where the stream has not the length it was said to have", async () => {
    const server = await start();
    for (const demandLength of [true, false]) {
      for (const contentLength of [content.byteLength - 1, content.byteLength + 1]) {
        const source = watchedSource(content, 65536);
        await assertRejects(() =>
          sendStream({
            url: urlOf(server),
            method: "PUT",
            headers: octets(),
            body: source.stream,
            contentLength,
            demandLength,
          })
        );
      }
    }
    await until(() => server.sockets.size === 0);
  });

  it("fails with the source", async () => {
    const server = await start();
    for (const demandLength of [true, false]) {
      const failure = new Error("cut");
      const body = watchedSource(content, 65536, failure).stream;
      const contentLength = 2 * content.byteLength;
      const error = await assertRejects(() =>
        sendStream({ url: urlOf(server), method: "PUT", headers: octets(), body, contentLength, demandLength })
      ) as Error;
      if (demandLength && (globalThis as { Bun?: unknown }).Bun === undefined) assertStrictEquals(error, failure);
    }
    assertEquals(server.requests, []);
  });

  it("cancels the source when there is no one, and when it is aborted", async () => {
    for (const demandLength of [true, false]) {
      const server = await rawServer();
      const url = urlOf(server);
      await server.close();
      const source = watchedSource(content, 65536);
      const request = { method: "PUT", headers: octets(), contentLength: content.byteLength, demandLength };
      await assertRejects(() => sendStream({ ...request, url, body: source.stream }));
      await until(() => source.cancelled());

      const hanging = await start({ readLimit: 1 });
      const controller = new AbortController();
      const endless = watchedSource(new Uint8Array(1 << 30), 262144);
      const sending = sendStream({
        ...request,
        url: urlOf(hanging),
        body: endless.stream,
        contentLength: 1 << 30,
        signal: controller.signal,
      });
      sending.catch(() => {});
      await until(() => endless.pulls() > 0);
      controller.abort(new Error("enough"));
      await assertRejects(() => sending);
      await until(() => endless.cancelled());
    }
  });

  it("reads no more than the server takes", async () => {
    for (const demandLength of [true, false]) {
      const server = await start({ readLimit: 1 });
      const controller = new AbortController();
      const endless = watchedSource(new Uint8Array(1 << 30), 262144);
      const sending = sendStream({
        url: urlOf(server),
        method: "PUT",
        headers: octets(),
        body: endless.stream,
        contentLength: 1 << 30,
        demandLength,
        signal: controller.signal,
      });
      sending.catch(() => {});
      await until(() => endless.pulls() > 0);
      const other = await start();
      for (let i = 0; i < 50; i++) await (await fetch(urlOf(other), { method: "POST", body: "x" })).text();
      assert(endless.pulls() < 128, `${endless.pulls()} chunks of 256 KB went to a server that reads none`);
      controller.abort();
      await assertRejects(() => sending);
    }
  });

  it("gives an answer that comes before the end, and cancels the source", async () => {
    const server = await start({
      early: "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!",
    });
    for (const demandLength of [true, false]) {
      const endless = watchedSource(new Uint8Array(1 << 30), 262144);
      const response = await sendStream({
        url: urlOf(server),
        method: "PUT",
        headers: octets(),
        body: endless.stream,
        contentLength: 1 << 30,
        demandLength,
      });
      assertEquals([response.status, await response.text()], [413, "no!"]);
      for (const socket of server.sockets) socket.destroy();
      await until(() => endless.cancelled());
    }
  });

  it("goes the way of the fetch that it is given", async () => {
    const directory = await temporaryDirectory();
    try {
      const path = joinPath(directory, "socket");
      const server = await start({ socketPath: path });
      for (const demandLength of [true, false]) {
        const response = await sendStream({
          url: "http://localhost/load",
          method: "POST",
          headers: octets(),
          body: streamOf(content),
          contentLength: content.byteLength,
          demandLength,
          fetch: runtimeFetch({ unixSocket: path }),
        });
        assertEquals(response.status, 201);
      }
      assertEquals(server.requests.map((request) => request.bytes), [content.byteLength, content.byteLength]);
    } finally {
      await remove(directory, { recursive: true });
    }
  });

  it("hands the stream to a fetch that is not of this room", async () => {
    const calls: { headers: Headers; bytes: Bytes; redirect: string | undefined }[] = [];
    const fake: typeof fetch = async (_input, init) => {
      const bytes = new Uint8Array(await new Response(init?.body).arrayBuffer());
      calls.push({ headers: new Headers(init?.headers), bytes, redirect: init?.redirect });
      return new Response("in memory");
    };
    const response = await sendStream({
      url: "https://registry.example.com/v2/",
      method: "PUT",
      headers: octets(),
      body: streamOf(content),
      contentLength: content.byteLength,
      demandLength: true,
      fetch: fake,
    });
    assertEquals(await response.text(), "in memory");
    assertEquals(calls[0].bytes, content);
    assertEquals([calls[0].headers.get("content-length"), calls[0].redirect], ["1000000", "manual"]);
  });
});

describe("nodeFetch", () => {
  it("streams both ways, with a length or chunked", async () => {
    const server = await start();
    for (const contentLength of [content.byteLength, undefined]) {
      const url = new URL(urlOf(server));
      const response = await nodeFetch({
        url,
        method: "PUT",
        headers: octets(),
        body: streamOf(content),
        contentLength,
      });
      assertEquals([response.status, response.url, await response.text()], [201, url.href, "ok"]);
    }
    assertEquals(/transfer-encoding: chunked/i.test(server.requests[1].head), true);
    await until(() => server.sockets.size === 0);
  });

  it("gives all of an answer to a slow reader, though the server has closed the connection", async () => {
    const payload = "x".repeat(3_000_000);
    const headers = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${payload.length}\r\n\r\n`;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(headers + payload));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const response = await nodeFetch({ url, method: "GET", headers: new Headers() });
    let length = 0;
    for await (const chunk of response.body!) {
      length += chunk.byteLength;
      await settled();
    }
    assertEquals(length, payload.length);
    await new Promise((resolve) => server.close(resolve));
  });

  it("fails where the status of the answer is none", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end("HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await assertRejects(() => nodeFetch({ url, method: "GET", headers: new Headers() }), TypeError, "600");
    await new Promise((resolve) => server.close(resolve));
  });

  it("fails where the server hangs up", async () => {
    const server = await start({ answer: created });
    const url = new URL(urlOf(server));
    const endless = watchedSource(new Uint8Array(1 << 30), 262144);
    const sending = nodeFetch({ url, method: "PUT", headers: octets(), body: endless.stream });
    sending.catch(() => {});
    await until(() => server.sockets.size === 1 && endless.pulls() > 0);
    for (const socket of server.sockets) socket.destroy();
    await assertRejects(() => sending);
    await settled();
    assert(endless.cancelled());
  });
});
