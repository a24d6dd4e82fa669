import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { ServerResponse } from "node:http";
import { DaemonError, DigestMismatchError, HttpError, NetworkError } from "../../src/errors.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { collect } from "../make/streams.ts";
import { utf8 } from "../make/bytes.ts";
import { messages, withEngine } from "../fakes/fake_engine.ts";

/** Returns a stream of chunks of 64 KB, which reports its cancellation. */
function tarOf(chunks: number, onCancel: () => void = () => {}): ByteStream {
  let left = chunks;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(65536).fill(left));
      else controller.close();
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

/** Gives a chunk, then fails. */
function failingTar(error: Error): ByteStream {
  let given = false;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (given) throw error;
      given = true;
      controller.enqueue(new Uint8Array(512));
    },
  }, { highWaterMark: 0 });
}

describe("DockerEngine.load", () => {
  it("sends the tar as it is, says what it is, and gives what the engine says", async () => {
    const said = messages(
      { status: "Loading layer", progressDetail: { current: 1, total: 2 }, id: "abc" },
      { stream: "The image a:v1 already exists\n" },
      { stream: "Loaded image: a:v1\n" },
    );
    for (const options of [{}, { tcp: true }]) {
      await withEngine({ "POST /images/load": said }, async (engine) => {
        assertEquals(await engine.client().load(tarOf(20)), "The image a:v1 already exists\nLoaded image: a:v1");
        assertEquals(engine.lines(), ["POST /v1.41/images/load?quiet=1"]);
        const { headers, body } = engine.seen.at(-1)!;
        assertEquals(headers["content-type"], "application/x-tar");
        assertEquals(headers["user-agent"]?.startsWith("gcrane/"), true);
        assertEquals(body, await collect(tarOf(20)));
      }, options);
    }
  });

  it("gives words that are no JSON, and none where there are none", async () => {
    for (
      const [body, said] of [["Loaded image: a\n", "Loaded image: a"], ["", ""], ["{}\n\n{x\n", "{x"], [
        "null\n",
        "null",
      ]]
    ) {
      await withEngine({ "POST /images/load": { body } }, async (engine) => {
        assertEquals(await engine.client().load(tarOf(1)), said);
      });
    }
  });

  it("fails where the engine answers 200 with an error inside", async () => {
    for (
      const [lines, words] of [
        [[{ errorDetail: { message: "no space left" }, error: "no space left" }], "no space left"],
        [[{ stream: "Loaded image: a" }, { errorDetail: { code: 1, message: "bad\nlayer" } }], "bad layer"],
        [[{ error: "broken" }, { stream: "Loaded image: a" }], "broken"],
        [[{ errorDetail: {} }], "the engine gives no reason"],
        [[{ cause: "x", message: "failed: x", response: 500 }], "failed: x"],
      ] as const
    ) {
      await withEngine({ "POST /images/load": messages(...lines) }, async (engine) => {
        await assertRejects(
          () => engine.client().load(tarOf(1)),
          DaemonError,
          `the Docker engine at ${engine.host} can't load the images: ${words}`,
        );
      });
    }
  });

  it("fails where the engine refuses, in its words", async () => {
    await withEngine({ "POST /images/load": { status: 500, body: { message: "no tar" } } }, async (engine) => {
      await assertRejects(() => engine.client().load(tarOf(1)), HttpError, "can't load the images: no tar");
    });
  });

  it("fails with the tar's own error", async () => {
    const error = new DigestMismatchError("not what was promised");
    for (const options of [{}, { tcp: true }]) {
      await withEngine({ "POST /images/load": messages() }, async (engine) => {
        assertStrictEquals(await assertRejects(() => engine.client().load(failingTar(error))), error);
        // Nothing that looks like a whole tar got there.
        assertEquals(engine.lines(), []);
      }, options);
    }
  });

  it("gives a tar back that it can't send", async () => {
    await withEngine({ "GET /_ping": { status: 500, body: "" } }, async (engine) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      await assertRejects(() => engine.client().load(tarOf(1, resolve)), HttpError);
      await promise;
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    await withEngine({}, async (engine) => {
      const client = engine.client();
      await client.ping();
      const aborted = { signal: AbortSignal.abort(new Error("enough")) };
      await assertRejects(() => client.load(tarOf(1, resolve), aborted), Error, "enough");
      await promise;
    });
  });

  it("ends with the signal, and cancels the tar", async () => {
    const cancelled = Promise.withResolvers<void>();
    const reading = Promise.withResolvers<void>();
    let given = false;
    const tar = new ReadableStream<Bytes>({
      pull(controller) {
        if (given) {
          reading.resolve();
          return new Promise(() => {});
        }
        given = true;
        controller.enqueue(new Uint8Array(512));
      },
      cancel: () => cancelled.resolve(),
    }, { highWaterMark: 0 });
    await withEngine({ "POST /images/load": messages() }, async (engine) => {
      const controller = new AbortController();
      const load = engine.client().load(tar, { signal: controller.signal });
      await reading.promise;
      const reason = new Error("enough");
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => load), reason);
      await cancelled.promise;
    });
  });
});

describe("DockerEngine.save", () => {
  const save = async (body: Uint8Array<ArrayBuffer>): Promise<Bytes> => {
    let bytes: Bytes | undefined;
    await withEngine({ "GET /images/get": { body } }, async (engine) => {
      bytes = await collect(await engine.client().save("a"));
    });
    return bytes!;
  };
  const joined = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));
  const tar = joined(utf8('{"error":"in a file"}\n'), new Uint8Array(2000).fill(65), new Uint8Array(1024));

  it("passes what is whole", async () => {
    assertEquals(await save(tar), tar);
    // Words that are no message are the tar's business.
    for (const end of ["}", '{"stream":"x"}', '{"error":""}', '{"error":', "\n"]) {
      const odd = joined(tar, utf8(end));
      assertEquals(await save(odd), odd);
    }
  });

  it("fails where the engine writes its error after what it had", async () => {
    const message = '{"errorDetail":{"message":"write layer: no space left"},"error":"write layer: no space left"}\r\n';
    for (
      const before of [
        new Uint8Array(),
        tar,
        joined(tar, utf8('a file that was cut {"error":1')),
        new Uint8Array(300_000).fill(10),
        new Uint8Array(16 * 1024).fill(66),
      ]
    ) {
      await assertRejects(
        () => save(joined(before, utf8(message))),
        DaemonError,
        "can't save a: write layer: no space left",
      );
    }
    await assertRejects(() => save(utf8('{"error":"gone"}')), DaemonError, "can't save a: gone");
  });

  it("fails where the connection is cut", async () => {
    const cut = (_: unknown, response: ServerResponse) => {
      response.writeHead(200, { "content-type": "application/x-tar" });
      response.write(new Uint8Array(1000), () => response.destroy());
    };
    for (const options of [{}, { tcp: true }]) {
      await withEngine({ "GET /images/get": cut }, async (engine) => {
        await assertRejects(async () => await collect(await engine.client().save("a")), NetworkError, "was cut");
      }, options);
    }
  });

  it("lets go of the engine when it is cancelled, or aborted", async () => {
    let closed = Promise.withResolvers<void>();
    const endless = (_: unknown, response: ServerResponse) => {
      response.on("close", () => closed.resolve());
      response.writeHead(200).write(new Uint8Array(1000));
    };
    await withEngine({ "GET /images/get": endless }, async (engine) => {
      const client = engine.client();
      const stream = await client.save("a");
      const reader = stream.getReader();
      assert(!(await reader.read()).done);
      await reader.cancel();
      await closed.promise;

      closed = Promise.withResolvers<void>();
      const controller = new AbortController();
      const aborted = (await client.save("a", { signal: controller.signal })).getReader();
      await aborted.read();
      const reason = new Error("enough");
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => aborted.read()), reason);
      await closed.promise;
    });
  });
});
