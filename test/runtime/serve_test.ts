import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { type ByteStream, type FetchHandler, serveFetch } from "../../src/runtime/mod.ts";
import { rawRequest, rawUpload } from "../make/raw_http.ts";
import { collect, streamOf, watchedSource } from "../make/streams.ts";
import { noise } from "../make/bytes.ts";
import { settled, until } from "../make/waiting.ts";

/** Serves for the length of a test. */
async function withServer(handler: FetchHandler, act: (port: number) => Promise<void>): Promise<void> {
  const server = await serveFetch(handler);
  try {
    await act(server.port);
  } finally {
    await server.close();
  }
}

const open = (port: number, text: string): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(text);
      resolve(socket);
    });
    socket.on("error", () => {});
  });

/** Lets the server answer others for a while: what it would do without being slowed down, it has done by then. */
async function roundTrips(port: number): Promise<void> {
  for (let i = 0; i < 100; i++) assertEquals((await rawRequest(port, "GET /other HTTP/1.1")).status, 200);
}

const isOther = (request: Request) => new URL(request.url).pathname === "/other";

describe("serveFetch", () => {
  it("passes method, URL, headers and body on", async () => {
    const handler: FetchHandler = async (request) => {
      const { pathname, search } = new URL(request.url);
      const body = await request.text();
      return new Response([request.method, pathname, search, request.headers.get("x-test"), body].join(" "), {
        status: 201,
        headers: [["x-answer", "yes"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]],
      });
    };
    await withServer(handler, async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/v2/a%2Fb?x=1&y`, {
        method: "PUT",
        headers: { "X-Test": "one" },
        body: "body",
      });
      assertEquals(response.status, 201);
      assertEquals(response.headers.get("x-answer"), "yes");
      assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assertEquals(await response.text(), "PUT /v2/a%2Fb ?x=1&y one body");
    });
  });

  it("keeps Content-Length on HEAD, with a body or without", async () => {
    let cancelled = false;
    const handler: FetchHandler = (request) => {
      const headers = { "content-length": "12345", "content-type": "application/octet-stream" };
      if (new URL(request.url).pathname === "/null") return new Response(null, { headers });
      return new Response(new ReadableStream({ cancel: () => void (cancelled = true) }), { headers });
    };
    await withServer(handler, async (port) => {
      for (const path of ["/null", "/stream"]) {
        const answer = await rawRequest(port, `HEAD ${path} HTTP/1.1`);
        assertEquals(answer.status, 200);
        assertEquals(answer.headers["content-length"], "12345");
        assertEquals(answer.headers["transfer-encoding"], undefined);
        assertEquals(answer.body, "");
      }
      assert(cancelled);
    });
  });

  it("gives answers without a body their length", async () => {
    const handler: FetchHandler = (request) => {
      const status = Number(new URL(request.url).pathname.slice(1));
      return new Response(null, { status, ...(status !== 204 && { headers: { "content-length": "0" } }) });
    };
    await withServer(handler, async (port) => {
      const accepted = await rawRequest(port, "POST /202 HTTP/1.1\r\nContent-Length: 0");
      assertEquals([accepted.status, accepted.headers["content-length"], accepted.body], [202, "0", ""]);
      const empty = await rawRequest(port, "GET /204 HTTP/1.1");
      assertEquals([empty.status, empty.headers["transfer-encoding"], empty.body], [204, undefined, ""]);
    });
  });

  it("streams an answer with the length that it has", async () => {
    const content = noise(1_000_000);
    const handler: FetchHandler = () =>
      new Response(streamOf(content), { headers: { "content-length": String(content.byteLength) } });
    await withServer(handler, async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      assertEquals(response.headers.get("content-length"), String(content.byteLength));
      assertEquals(await collect(response.body as ByteStream), content);
    });
  });

  it("slows down with a client that reads slowly, and cancels when it goes", async () => {
    const source = watchedSource(new Uint8Array(1 << 30), 65536);
    let signal: AbortSignal | undefined;
    const handler: FetchHandler = (request) => {
      if (isOther(request)) return new Response("x");
      signal = request.signal;
      return new Response(source.stream);
    };
    await withServer(handler, async (port) => {
      const socket = await open(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      socket.pause();
      await roundTrips(port);
      assert(source.pulls() > 0 && source.pulls() < 512, `${source.pulls()} chunks of 64 KB went to nobody`);
      assertEquals(signal?.aborted, false);
      socket.destroy();
      await until(() => source.cancelled() && signal?.aborted === true);
    });
  });

  it("slows down a client that sends more than is read", async () => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => finish = resolve);
    const handler: FetchHandler = async (request) => {
      if (isOther(request)) return new Response("x");
      await request.body?.getReader().read();
      await held;
      return new Response("enough");
    };
    await withServer(handler, async (port) => {
      const socket = await open(port, `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${1 << 30}\r\n\r\n`);
      let sent = 0;
      const block = new Uint8Array(65536);
      const send = () => {
        while (!socket.destroyed && sent < 1 << 30) {
          sent += block.byteLength;
          if (!socket.write(block)) return;
        }
      };
      socket.on("drain", send);
      send();
      await roundTrips(port);
      assert(sent < 64 << 20, `${sent} bytes were taken with nobody reading`);
      finish();
      socket.destroy();
    });
  });

  it("takes a large upload whole", async () => {
    const handler: FetchHandler = async (request) => {
      let length = 0;
      for await (const chunk of request.body as ByteStream) length += chunk.byteLength;
      return new Response(String(length));
    };
    await withServer(handler, async (port) => {
      const body = watchedSource(new Uint8Array(150 << 20), 262144).stream;
      const init = { method: "POST", body, duplex: "half" } as RequestInit;
      const response = await fetch(`http://127.0.0.1:${port}/`, init);
      assertEquals(await response.text(), String(150 << 20));
    });
  });

  it("fails the body of an upload that is cut, and aborts the signal", async () => {
    let failure: unknown;
    let signal: AbortSignal | undefined;
    let started = false;
    const handler: FetchHandler = async (request) => {
      signal = request.signal;
      try {
        for await (const _ of request.body as ByteStream) started = true;
      } catch (error) {
        failure = error;
      }
      return new Response("late");
    };
    await withServer(handler, async (port) => {
      const socket = await open(port, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
      await until(() => started);
      socket.destroy();
      await until(() => failure !== undefined);
      assert(failure instanceof Error);
      await until(() => signal?.aborted === true);
    });
  });

  describe("answers before the whole body has come", () => {
    const ways: Record<string, (request: Request) => Promise<void>> = {
      "with the body untouched": () => Promise.resolve(),
      "with the body half read": async (request) => void await request.body!.getReader().read(),
      "with the body cancelled": async (request) => {
        const reader = request.body!.getReader();
        await reader.read();
        await reader.cancel(new Error("no room"));
      },
      "with the body cancelled while it is read": async (request) => {
        const reader = request.body!.getReader();
        await reader.read();
        reader.read().catch(() => {});
        await reader.cancel(new Error("no room"));
      },
      "with an error": async (request) => {
        await request.body!.getReader().read();
        throw new Error("no room");
      },
    };
    const size = 20_000_000; // more than sockets buffer without a reader
    for (const [name, refuse] of Object.entries(ways)) {
      const handler: FetchHandler = async (request) => {
        await refuse(request);
        return new Response("refused", { status: 507, headers: { "content-length": "7" } });
      };
      const expected = name === "with an error" ? [500, "Internal Server Error\n"] : [507, "refused"];

      it(
        `${name}, and the client gets the answer once it has sent all`,
        { timeout: 60_000 },
        () =>
          withServer(handler, async (port) => {
            for (const chunked of [true, false]) {
              const answer = await rawUpload(port, "PUT / HTTP/1.1", { size, chunked });
              const body = answer.headers["transfer-encoding"] ? answer.body.split("\r\n")[1] : answer.body;
              assertEquals([answer.status, body], expected);
              assertEquals(answer.headers["connection"]?.toLowerCase(), "close");
            }
          }),
      );

      it(
        `${name}, and a client that listens gets the answer`,
        { timeout: 60_000 },
        () =>
          withServer(handler, async (port) => {
            const body = watchedSource(new Uint8Array(size), 65536).stream;
            const init = { method: "PUT", body, duplex: "half" } as RequestInit;
            const response = await fetch(`http://127.0.0.1:${port}/`, init);
            assertEquals([response.status, await response.text()], expected);
          }),
      );
    }

    it(
      "also where the request can't be one of fetch",
      { timeout: 60_000 },
      () =>
        withServer(() => new Response("not asked"), async (port) => {
          const answer = await rawUpload(port, "PUT http://[/ HTTP/1.1", { size, chunked: true });
          assertEquals([answer.status, answer.body], [400, ""]);
        }),
    );

    it(
      "and closes on a client that sends no more",
      { timeout: 60_000 },
      () =>
        withServer(() => new Response("refused", { headers: { "content-length": "7" } }), async (port) => {
          const answer = await rawRequest(port, "PUT / HTTP/1.1\r\nContent-Length: 1000", "some");
          assertEquals([answer.status, answer.body], [200, "refused"]);
        }),
    );

    it(
      "and takes no body without end",
      { timeout: 60_000 },
      () =>
        withServer(() => new Response("refused"), async (port) => {
          const socket = await open(port, `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
          const block = new Uint8Array(65536);
          const send = () => {
            while (!socket.destroyed && socket.write(block));
          };
          socket.on("drain", send);
          const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
          socket.resume();
          send();
          await closed;
        }),
    );
  });

  it("keeps the connection after an answer to a whole body", { timeout: 20_000 }, async () => {
    const handler: FetchHandler = async (request) =>
      new Response(await request.text(), { headers: { "content-length": "4" } });
    await withServer(handler, async (port) => {
      const socket = await open(port, "");
      let received = "";
      socket.on("data", (chunk) => received += chunk);
      for (let i = 1; i <= 3; i++) {
        socket.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        await until(() => received.split("HTTP/1.1 200").length === i + 1 && received.endsWith("body"));
      }
      socket.destroy();
    });
  });

  it("cuts the connection where an answer fails half-way", async () => {
    const handler: FetchHandler = () => {
      const { stream } = watchedSource(noise(100_000), 65536, new Error("cut"));
      return new Response(stream, { headers: { "content-length": "1000000" } });
    };
    await withServer(handler, async (port) => {
      await assertRejects(async () => {
        const response = await fetch(`http://127.0.0.1:${port}/`);
        await response.arrayBuffer();
      });
    });
  });

  it("does not abort the signal after a whole answer", async () => {
    let signal: AbortSignal | undefined;
    const handler: FetchHandler = (request) => {
      signal = request.signal;
      return new Response("whole");
    };
    await withServer(handler, async (port) => {
      assertEquals((await rawRequest(port, "GET / HTTP/1.1")).status, 200);
      await settled();
      assertEquals(signal?.aborted, false);
    });
  });

  it("finishes what is in flight when it shuts down, and takes no more", async () => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => finish = resolve);
    let started = false;
    const server = await serveFetch(async () => {
      started = true;
      await held;
      return new Response("done");
    });
    const answer = fetch(`http://127.0.0.1:${server.port}/`).then((response) => response.text());
    await until(() => started);
    let isDown = false;
    const down = server.shutdown().then(() => isDown = true);
    await settled();
    assertEquals(isDown, false);
    finish();
    assertEquals(await answer, "done");
    await down;
    await assertRejects(() => fetch(`http://127.0.0.1:${server.port}/`));
  });

  it("closes at once, whatever is in flight", async () => {
    const server = await serveFetch(() => new Promise<Response>(() => {}));
    const socket = await open(server.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.resume();
    await settled();
    await server.close();
    await closed;
  });

  it("says where it listens", async () => {
    const server = await serveFetch(() => new Response("x"), { hostname: "127.0.0.1", port: 0 });
    assertEquals(server.url, `http://127.0.0.1:${server.port}`);
    assertEquals(await (await fetch(server.url)).text(), "x");
    await server.close();
  });

  it("answers 500 for a handler that throws, and tells the owner alone", async () => {
    const failure = new Error("secret");
    const seen: unknown[] = [];
    const server = await serveFetch(() => {
      throw failure;
    }, { onError: (error) => void seen.push(error) });
    const response = await fetch(server.url);
    assertEquals(response.status, 500);
    assertEquals((await response.text()).includes("secret"), false);
    assertStrictEquals(seen[0], failure);
    await server.close();
  });

  it("fails where the port is taken", async () => {
    const server = await serveFetch(() => new Response("x"));
    const error = await assertRejects(() => serveFetch(() => new Response("y"), { port: server.port }));
    assertEquals((error as { code?: string }).code, "EADDRINUSE");
    await server.close();
  });
});
