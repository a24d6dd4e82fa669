import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { DigestMismatchError, HttpError, NetworkError, ProtocolError, SizeMismatchError } from "../../src/errors.ts";
import { chunks } from "../../src/io/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import { type Bytes, passesBodies, runtimeFetch } from "../../src/runtime/mod.ts";
import { type Cue, fakeServer, problem } from "../fakes/mod.ts";
import { CUT, firstBytes, STALL } from "../fakes/messages.ts";
import { CONTENT, passing, SOURCES } from "./passing.ts";
import {} from "./pushing.ts";
import { noise } from "../make/bytes.ts";
import { until } from "../make/waiting.ts";

const SIZE = CONTENT.length;
const CUTS = { "byte 0": 0, "the middle": SIZE / 2, "the last byte": SIZE - 1 };

/** Receives so much of a part of an upload, and then answers by a cue of its own. */
function after(count: number, then: Cue): Cue {
  return async (request, usual) => {
    if (count > 0) await usual({ body: firstBytes(request.body, count) });
    return await then(request, usual);
  };
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = await fakeServer(() => CUT);
  await server.close();
  return server.port;
}

const CLOSED = await closedPort();

const skip = passesBodies(runtimeFetch()) ? false : "not applicable: Node.js passes each body through JavaScript";

/** A test of a body that is passed on whole. */
function whole(name: string, test: () => Promise<void>): void {
  it(name, { skip }, test);
}

for (const kind of SOURCES) {
  describe(`a layer that is passed on whole from a ${kind}`, { timeout: 120_000 }, () => {
    whole("is not opened as a stream", () =>
      passing(kind, async (it) => {
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals(it.streams, []);
        assertEquals(it.steps(), ["POST 202", "PATCH 202", "PUT 201"]);
        if (kind === "registry") {
          assertEquals(it.uploads()[1].headers.get("content-length"), String(SIZE));
          assertEquals(it.reads().length, 1);
        }
      }));

    it("is a stream where somebody listens for progress", () => {
      let moved = 0;
      return passing(kind, async (it) => {
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals([it.streams, moved], [[0], SIZE]);
      }, { onProgress: (event) => moved = Math.max(moved, event.complete) });
    });

    whole("is not opened as a stream where its end alone is listened for", () => {
      const states: string[] = [];
      return passing(kind, async (it) => {
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals([it.streams, states.at(-1)], [[], "done"]);
      }, { onProgress: ({ state }) => states.push(state), countsBytes: false });
    });

    for (const [name, at] of Object.entries(CUTS)) {
      whole(`goes on as a stream after the target cut it at ${name}`, () =>
        passing(kind, async (it) => {
          it.target.on("PATCH", /./, after(at, () => CUT));
          await it.pusher.upload(it.repository, it.layer);
          it.checkArrived();
          assertEquals(it.streams, [at]);
          assertEquals(
            it.steps().slice(2),
            at > 0 ? ["GET 204", "PATCH 202", "PUT 201"] : [
              "GET 204",
              "POST 202",
              "PATCH 202",
              "PUT 201",
            ],
          );
        }));

      if (kind === "registry") {
        it(`goes on as a stream after the source cut it at ${name}`, () =>
          passing(kind, async (it) => {
            it.source.on("GET", /blobs/, async (_, usual) => ({ ...await usual(), cutAfter: at }));
            await it.pusher.upload(it.repository, it.layer);
            it.checkArrived();
            assertEquals(it.streams.length, 1);
            assertEquals(it.reads().length, 2);
          }));
      }
    }

    whole("goes on after a 500 in the middle", () =>
      passing(kind, async (it) => {
        it.target.on("PATCH", /./, after(SIZE / 2, () => problem(500, "UNKNOWN")));
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals(it.streams, [SIZE / 2]);
      }));

    for (const status of [405, 501]) {
      it(`is sent with the commit where PATCH is refused with ${status}`, () =>
        passing(kind, async (it) => {
          it.target.on("PATCH", /./, () => problem(status, "UNSUPPORTED"), 9);
          await it.pusher.upload(it.repository, it.layer);
          it.checkArrived();
          assertEquals(it.uploads().at(-1)?.headers.get("content-length"), String(SIZE));
          const before = it.uploads().length;
          const { client } = it.pusher;
          await new Pusher({ client }).upload(it.repository.registry.repository("other"), it.layer);
          // No further one is passed on whole to be refused.
          assertEquals(it.steps().slice(before).filter((step) => step.startsWith("PATCH")).length, 0);
        }));
    }

    for (const status of [401, 413]) {
      whole(
        `is a stream for a host that answered ${status} before it had the bytes, and so is the next`,
        () =>
          passing(kind, async (it) => {
            it.target.on("PATCH", /./, () => problem(status, "UNSUPPORTED"));
            await it.pusher.upload(it.repository, it.layer);
            it.checkArrived();
            assertEquals(it.streams, [0]);
            const { client } = it.pusher;
            await new Pusher({ client }).upload(it.repository.registry.repository("other"), it.layer);
            assertEquals(it.target.blobsOf("other").get(it.digest), CONTENT);
            assertEquals(it.uploads().filter(({ method }) => method === "PATCH").length, 3);
            assertEquals(it.streams, [0, 0]);
          }),
      );
    }

    it("is a stream for a host that redirected it", () =>
      passing(kind, async (it) => {
        const redirect: Cue = ({ url }) => ({
          status: 307,
          headers: { location: `${url.pathname}${url.search}&more=1` },
        });
        it.target.on("PATCH", /uploads\/[^&]*$/, redirect, 2);
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals(it.streams.length, 2); // the stream is redirected too
      }));

    it("fails with the registry's answer where that stays", () =>
      passing(kind, async (it) => {
        it.target.on("PATCH", /./, () => problem(413, "SIZE_INVALID"), 9);
        const error = await assertRejects(() => it.pusher.upload(it.repository, it.layer), HttpError);
        assertEquals([error.status, error.method], [413, "PATCH"]);
      }));

    whole("waits for a slow reader", () =>
      passing(kind, async (it) => {
        it.target.on("PATCH", /./, async ({ body }, usual) => {
          const slow = new TransformStream<Bytes, Bytes>({
            async transform(chunk, controller) {
              await new Promise((resolve) => setTimeout(resolve, 5));
              controller.enqueue(chunk);
            },
          });
          return await usual({ body: body.pipeThrough(slow) });
        });
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals(it.streams, []);
      }));

    whole("ends with the caller's reason in the middle", () =>
      passing(kind, async (it) => {
        const stop = new AbortController();
        let received = 0;
        it.target.on("PATCH", /./, async ({ body }) => {
          for await (const chunk of chunks(firstBytes(body, SIZE / 2))) received += chunk.length;
          return STALL;
        });
        const uploading = it.pusher.upload(it.repository, it.layer, { signal: stop.signal });
        const failed = assertRejects(() => uploading, Error, "enough");
        await until(() => received === SIZE / 2);
        stop.abort(new Error("enough"));
        await failed;
        assertEquals(it.streams, []);
        assertEquals(it.steps().filter((step) => step.startsWith("PUT")), []);
      }));

    whole("is read again where its bytes are wrong, and the error names that side", () =>
      passing(kind, async (it) => {
        const wrong = CONTENT.slice();
        wrong[SIZE / 2] ^= 1;
        it.replace(wrong);
        const error = await assertRejects(() => it.pusher.upload(it.repository, it.layer), DigestMismatchError);
        assertStringIncludes(error.message, it.digest.slice("sha256:".length));
        assertEquals(it.streams, [0]);
        assertEquals(it.target.blobsOf("app").size, 0);
      }));

    whole("is sent once more where the registry refused good bytes", () =>
      passing(kind, async (it) => {
        it.target.on("PUT", /uploads/, () => problem(400, "DIGEST_INVALID"));
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals(it.streams, [0, 0]); // once to check it, once to send it
      }));

    it("is read once more where the registry does not say what it stored, and is a stream the next time", () =>
      passing(kind, async (it) => {
        it.target.on("PUT", /uploads/, async (_, usual) => {
          const answer = await usual();
          return { ...answer, headers: { ...answer.headers, "docker-content-digest": undefined } };
        }, 9);
        await it.pusher.upload(it.repository, it.layer);
        it.checkArrived();
        assertEquals(it.streams, [0]); // read once to check it
        await new Pusher({ client: it.pusher.client }).upload(it.repository.registry.repository("next"), it.layer);
        assertEquals(it.streams, [0, 0]);
      }));

    whole("fails where the registry says that it stored other bytes", () =>
      passing(kind, async (it) => {
        const other = `sha256:${"0".repeat(64)}`;
        it.target.on("PUT", /uploads/, async (_, usual) => {
          const answer = await usual();
          return { ...answer, headers: { ...answer.headers, "docker-content-digest": other } };
        });
        await assertRejects(() => it.pusher.upload(it.repository, it.layer), ProtocolError, other);
      }));

    whole("fails with the registry's answer where it refuses good bytes again", () =>
      passing(kind, async (it) => {
        it.target.on("PUT", /uploads/, () => problem(400, "DIGEST_INVALID"), 9);
        const error = await assertRejects(() => it.pusher.upload(it.repository, it.layer), HttpError);
        assertEquals([error.status, error.method], [400, "PUT"]);
        assertEquals(it.uploads().filter(({ method }) => method === "PUT").length, 2);
      }));

    // The one port refuses a connection, the other is refused by some runtimes before they begin.
    for (const port of [CLOSED, 1]) {
      it(`leaves nothing open where nothing was sent, to port ${port === 1 ? port : "that is closed"}`, () =>
        passing(kind, async (it) => {
          const location = `http://127.0.0.1:${port}/v2/app/blobs/uploads/gone`;
          it.target.on("POST", /uploads/, () => ({ status: 202, headers: { location } }), 9);
          await assertRejects(() => it.pusher.upload(it.repository, it.layer), NetworkError);
        }));
    }
  });
}

describe("a file that is passed on whole", { timeout: 120_000 }, () => {
  it("is not taken as whole where it shrank before it was sent", () =>
    passing("file", async (it) => {
      it.target.on("POST", /uploads/, async (_, usual) => {
        it.shorten(SIZE / 2);
        return await usual();
      });
      await assertRejects(() => it.pusher.upload(it.repository, it.layer), SizeMismatchError);
      assertEquals(it.target.blobsOf("app").size, 0);
    }));

  // More than connections keep on their way, so that the end is sent after the file was shortened.
  it("is not taken as whole where it shrank while it was sent", () =>
    passing("file", async (it) => {
      it.target.on("PATCH", /./, async ({ body }, usual) => {
        let isShort = false;
        const shortening = new TransformStream<Bytes, Bytes>({
          transform(chunk, controller) {
            if (!isShort) it.shorten(1000);
            isShort = true;
            controller.enqueue(chunk);
          },
        });
        return await usual({ body: body.pipeThrough(shortening) });
      });
      await assertRejects(() => it.pusher.upload(it.repository, it.layer), SizeMismatchError);
      assertEquals(it.target.blobsOf("app").size, 0);
    }, { content: noise(24_000_000) }));
});

describe("a response that can't be passed on whole", { timeout: 120_000 }, () => {
  const replies: Record<string, Cue> = {
    "says that it is encoded": async (_, usual) => {
      const answer = await usual();
      return { ...answer, headers: { ...answer.headers, "content-encoding": "gzip" } };
    },
    "does not say its length": async (_, usual) => ({ ...await usual(), length: "chunked" }),
    "has another length": async (_, usual) => ({ ...await usual(), body: CONTENT.subarray(1) }),
  };
  for (const [name, reply] of Object.entries(replies)) {
    // A stream of another length is an error, which only a body that is passed on whole avoids.
    it(
      `is a stream: one that ${name}`,
      { skip: name === "has another length" && skip },
      () =>
        passing("registry", async (it) => {
          it.source.on("GET", /blobs/, reply);
          await it.pusher.upload(it.repository, it.layer);
          it.checkArrived();
          assertEquals(it.streams, [0]);
          assertEquals(it.steps(), ["POST 202", "PATCH 202", "PUT 201"]);
        }),
    );
  }
});
