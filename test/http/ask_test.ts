import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { LimitError } from "../../src/errors.ts";
import { ask, type AskOptions, BodyReader, fetchFor, readBody, TimeLimitError } from "../../src/http/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../src/runtime/mod.ts";
import { bytesOf, CUT, type FakeHandler, type FakeServer, fakeServer, STALL, utf8 } from "../fakes/mod.ts";
import { ManualTimers } from "../make/manual_timers.ts";
import { within } from "../make/waiting.ts";

/** Runs a test with a server that answers by the handler. */
async function withServer(handler: FakeHandler, test: (server: FakeServer, url: string) => Promise<void>) {
  const server = await fakeServer(handler);
  try {
    await test(server, `http://${server.host}/`);
  } finally {
    await server.close();
  }
}

class Failed extends Error {}

const options = (more: Partial<AskOptions> = {}): AskOptions => ({
  fetch: fetchFor(),
  limitMs: 0,
  failed: (cause) => new Failed("no answer", { cause }),
  ...more,
});
const text = async (response: Response) =>
  new TextDecoder().decode(await readBody(response, { limit: 99, what: "it" }));

describe("ask", () => {
  it("sends a request and gives what is made of the answer, redirects as they are", async () => {
    const asked: string[] = [];
    await withServer(async ({ method, headers, body }) => {
      asked.push(`${method} ${headers.get("x-name")} ${new TextDecoder().decode(await bytesOf(body))}`);
      return { status: 307, headers: { location: "http://127.0.0.1:1/" }, body: "moved" };
    }, async (_, url) => {
      const request = { method: "PUT", url, headers: { "x-name": "ann" }, body: "text" };
      const take = async (response: Response) => `${response.status} ${await text(response)}`;
      assertEquals(await ask(request, options(), take), "307 moved");
      const stream = new Blob(["stream"]).stream() as ByteStream;
      assertEquals(await ask({ ...request, body: { stream, length: 6 } }, options(), take), "307 moved");
    });
    assertEquals(asked, ["PUT ann text", "PUT ann stream"]);
  });

  it("ends where no answer comes in time, and has no limit where that is 0", async () => {
    await withServer(() => STALL, async (_, url) => {
      const request = { method: "GET", url };
      const error = await assertRejects(() => ask(request, options({ limitMs: 20 }), text), Failed);
      assertInstanceOf(error.cause, TimeLimitError);
      assertEquals([error.cause.name, error.cause.message], ["TimeoutError", "no answer within 20 ms"]);
      const timers = new ManualTimers();
      const reason = new Error("enough");
      const stop = new AbortController();
      const asking = ask(request, options({ wait: timers.wait, signal: stop.signal }), text);
      stop.abort(reason);
      assertStrictEquals(await asking.catch((error) => error), reason);
      assertEquals(timers.set, []);
    });
  });

  it("ends where a fetch does not heed its signal", async () => {
    const fetch = () => new Promise<never>(() => {});
    await assertRejects(() => ask({ method: "GET", url: "http://x/" }, options({ fetch, limitMs: 1 }), text), Failed);
    const stop = new AbortController();
    const asking = ask({ method: "GET", url: "http://x/" }, options({ fetch, signal: stop.signal }), text);
    stop.abort(new Error("enough"));
    await assertRejects(() => asking, Error, "enough");
  });

  it("cancels the body of an answer that comes after the abort", async () => {
    const answer = Promise.withResolvers<Response>();
    const cancelled = Promise.withResolvers<unknown>();
    const stop = new AbortController();
    const request = { method: "GET", url: "http://x/" };
    const asking = ask(request, options({ fetch: () => answer.promise, signal: stop.signal }), (response) => response);
    stop.abort(new Error("enough"));
    await assertRejects(() => asking, Error, "enough");
    answer.resolve(new Response(new ReadableStream({ cancel: cancelled.resolve })));
    assertStrictEquals(await within(cancelled.promise, { what: "the cancellation" }), stop.signal.reason);
  });

  it("keeps the limit while the answer is read, and no longer", async () => {
    await withServer(() => ({ status: 200, body: "abc", length: 9, stalls: true }), async (_, url) => {
      const timers = new ManualTimers();
      const request = { method: "GET", url };
      const asked = options({ limitMs: 50, wait: timers.wait });
      const response = await ask(request, asked, (response) => response);
      await timers.fire();
      const reader = new BodyReader(response.body as ByteStream);
      assertEquals((await reader.read())?.length, 3);
      await reader.cancel().catch(() => {});
      const reading = Promise.withResolvers<void>();
      const whole = ask(request, asked, (response) => {
        reading.resolve();
        return text(response);
      }).catch((error) => error);
      await reading.promise;
      await timers.fire();
      assertInstanceOf(await whole, Failed);
    });
  });

  it("counts from the last byte sent, and not the time that the source takes", async () => {
    await withServer(async ({ body }) => {
      await bytesOf(body);
      return STALL;
    }, async (_, url) => {
      const timers = new ManualTimers();
      const chunks = Array.from({ length: 3 }, () => Promise.withResolvers<Bytes | undefined>());
      const wanted = chunks.map(() => Promise.withResolvers<void>());
      let count = 0;
      const stream = pullStream({
        read() {
          wanted[count].resolve();
          return chunks[count++].promise;
        },
      });
      const request = { method: "PUT", url, body: { stream } };
      let error: unknown;
      const asking = ask(request, options({ limitMs: 50, wait: timers.wait }), text).catch((it) => error = it);
      for (const [i, { promise }] of wanted.entries()) {
        await Promise.race([promise, asking]);
        await timers.fire(); // the source is being waited for
        assertEquals(error, undefined);
        chunks[i].resolve(i < 2 ? utf8("chunk") : undefined);
      }
      for (let tries = 0; error === undefined && tries < 1000; tries++) await timers.fire();
      assertInstanceOf(error, Failed);
      assertInstanceOf(error.cause, TimeLimitError);
    });
  });

  it("fails with the source's own error, and stops the source when the answer is a refusal", async () => {
    await withServer(() => ({ status: 413 }), async (_, url) => {
      const own = new Error("the disk broke");
      const broken = pullStream({ read: () => Promise.reject(own) });
      const asking = ask({ method: "PUT", url, body: { stream: broken } }, options(), (response) => response);
      assertStrictEquals(await asking.catch((error) => error), own);
      const cancelled = Promise.withResolvers<void>();
      const endless = pullStream({ read: () => new Uint8Array(65536), cancel: () => cancelled.resolve() });
      const { status } = await ask(
        { method: "PUT", url, body: { stream: endless } },
        options(),
        (response) => response,
      );
      assertEquals(status, 413);
      await cancelled.promise;
    });
  });

  it("is tried again as it is told, with a request made anew", async () => {
    await withServer(({ url }) => url.search === "?3" ? { status: 200, body: "here" } : CUT, async (server, url) => {
      let tries = 0;
      const request = () => ({ method: "GET", url: `${url}?${++tries}` });
      const retry = {
        attempts: 3,
        wait: () => Promise.resolve(),
        verdict: (error: unknown) => error instanceof Failed && {},
      };
      assertEquals(await ask(request, options({ retry }), text), "here");
      assertEquals(server.requests.length, 3);
      await assertRejects(() => ask(request, options({ retry: { ...retry, attempts: 2 } }), text), Failed);
      await assertRejects(() => ask(request, options(), text), Failed);
      assertEquals(tries, 6);
    });
  });
});

describe("a body", () => {
  it("that stalls fails", async () => {
    await withServer(() => ({ status: 200, body: "abc", length: 9, stalls: true }), async (_, url) => {
      const response = await fetchFor()(url);
      const reading = () => readBody(response, { limit: 9, what: "it", stallMs: 20 });
      assertEquals((await assertRejects(reading, TimeLimitError)).message, "no byte of the answer within 20 ms");
    });
  });

  it("is read up to its limit", async () => {
    assertEquals(await readBody(new Response(null), { limit: 0, what: "it" }), new Uint8Array());
    assertEquals(await readBody(new Response("abc"), { limit: 3, what: "it" }), utf8("abc"));
    await assertRejects(
      () => readBody(new Response("abcd"), { limit: 3, what: "the answer" }),
      LimitError,
      "the answer is larger than the limit of 3 bytes",
    );
  });
});
