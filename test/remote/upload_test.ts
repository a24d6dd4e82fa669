import { assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { DigestMismatchError, HttpError, NetworkError, ProtocolError } from "../../src/errors.ts";
import { layerFromBytes, layerFromCompressed, streamLayer } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { type ByteStream, pullStream, temporariesInUse } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { bytesOf, type Cue, CUT, digestOf, FakeRegistry, firstBytes, problem, STALL } from "../fakes/mod.ts";
import { noise } from "../make/bytes.ts";
import { leavingNothing } from "../make/folders.ts";
import { failing, pushing, watchedLayer, WAYS } from "./pushing.ts";
import { until } from "../make/waiting.ts";

const UPLOADS = /\/uploads\//;
const CONTENT = noise(1_000_000, 5);
const DIGEST = digestOf(CONTENT);

/** The registry takes so many bytes, and then there is another outcome than usual. */
const taking = (count: number, outcome: Awaited<ReturnType<Cue>>): Cue => async (request, usual) => {
  await usual({ body: firstBytes(request.body, count) });
  return outcome;
};

for (const way of WAYS) {
  describe(`an upload ${way}`, () => {
    it("is one PATCH and a PUT", async () => {
      const registry = new FakeRegistry();
      await pushing(registry, way, {}, async ({ pusher, repository, steps, requests }) => {
        const { layer, streams } = watchedLayer(CONTENT);
        await pusher.upload(repository, layer);
        assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
        assertEquals(steps(), ["POST 202", "PATCH session-1 202", "PUT session-1 digest=D 201"]);
        assertEquals(streams, { opened: 1, open: 0 });
        const patch = requests.find(({ method }) => method === "PATCH")!;
        assertEquals([patch.headers.get("content-type"), patch.bodySize], ["application/octet-stream", 1_000_000]);
        const [post, put] = ["POST", "PUT"].map((wanted) => requests.find(({ method }) => method === wanted)!);
        if (way === "over the wire") {
          assertEquals([post, put].map(({ headers }) => headers.get("content-length")), ["0", "0"]);
        }
      });
    });

    it("is one PUT where the blob is small", async () => {
      for (const size of [0, 1, 65536]) {
        const registry = new FakeRegistry();
        await pushing(registry, way, {}, async ({ pusher, repository, steps, requests }) => {
          await pusher.upload(repository, watchedLayer(noise(size)).layer);
          assertEquals(registry.blobsOf("app").get(digestOf(noise(size))), noise(size));
          assertEquals(steps(), ["POST 202", "PUT session-1 digest=D 201"]);
          assertEquals(requests.at(-1)!.headers.get("transfer-encoding"), null);
        });
      }
    });

    it("goes on where it was cut, as often as it gets further", async () => {
      const registry = new FakeRegistry();
      for (let i = 0; i < 6; i++) registry.on("PATCH", UPLOADS, taking(150_000, CUT));
      await pushing(registry, way, {}, async ({ pusher, repository, steps, requests }) => {
        const { layer, streams } = watchedLayer(CONTENT);
        await pusher.upload(repository, layer);
        assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
        assertEquals(steps().slice(0, 4), ["POST 202", "PATCH session-1 0", "GET session-1 204", "PATCH session-1 0"]);
        assertEquals(steps().filter((step) => step.startsWith("PATCH")).length, 7);
        const ranges = requests.filter(({ method }) => method === "PATCH").map(({ headers }) =>
          headers.get("content-range")
        );
        assertEquals(ranges, [null, ...Array.from({ length: 6 }, (_, i) => `${(i + 1) * 150_000}-999999`)]);
        await until(() => streams.open === 0);
      });
    });

    it("goes on after a 500 in the middle", async () => {
      const registry = new FakeRegistry().on("PATCH", UPLOADS, taking(400_000, failing(500)));
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        const { layer, streams } = watchedLayer(CONTENT);
        await pusher.upload(repository, layer);
        assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
        const [, patch, ...rest] = steps();
        assertMatch(patch, /^PATCH session-1 (500|0)$/); // whether the answer is heard is the network's luck
        assertEquals(rest, ["GET session-1 204", "PATCH session-1 202", "PUT session-1 digest=D 201"]);
        await until(() => streams.open === 0);
      });
    });

    it("waits as long as the registry asks", async () => {
      const busy = { status: 429, headers: { "retry-after": "7", connection: "close" } };
      const registry = new FakeRegistry().on("PATCH", UPLOADS, async ({ body }) => {
        await bytesOf(body);
        return busy;
      });
      const waits: number[] = [];
      const wait = (ms: number) => Promise.resolve(void waits.push(ms));
      await pushing(registry, way, { retry: { wait } }, async ({ pusher, repository }) => {
        await pusher.upload(repository, watchedLayer(CONTENT).layer);
        assertEquals([waits, registry.blobsOf("app").has(DIGEST)], [[7000], true]);
      });
    });

    it("begins anew where the session is lost", async () => {
      const registry = new FakeRegistry().on("PATCH", UPLOADS, async (request, usual) => {
        await usual({ body: firstBytes(request.body, 300_000) });
        registry.uploads.clear();
        return CUT;
      });
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        await pusher.upload(repository, watchedLayer(CONTENT).layer);
        assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
        assertEquals(steps().slice(1), [
          "PATCH session-1 0",
          "GET session-1 404",
          "POST 202",
          "PATCH session-2 202",
          "PUT session-2 digest=D 201",
        ]);
      });
    });

    it("begins anew where the registry forgets the session before anything arrives", async () => {
      for (
        const [status, code] of [[404, "BLOB_UPLOAD_UNKNOWN"], [400, "BLOB_UPLOAD_INVALID"], [
          416,
          "RANGE_INVALID",
        ]] as const
      ) {
        const registry = new FakeRegistry().on("PATCH", UPLOADS, () => {
          registry.uploads.clear();
          return failing(status, code);
        });
        await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
          await pusher.upload(repository, watchedLayer(CONTENT).layer);
          assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
          assertEquals(steps().slice(-3), ["POST 202", "PATCH session-2 202", "PUT session-2 digest=D 201"]);
        });
      }
    });

    it("sends nothing twice when only the commit fails", async () => {
      const registry = new FakeRegistry().on("PUT", UPLOADS, () => problem(502, "BUSY"), 2);
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        const { layer, streams } = watchedLayer(CONTENT);
        await pusher.upload(repository, layer);
        assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
        assertEquals(streams.opened, 1);
        assertEquals(steps(), [
          "POST 202",
          "PATCH session-1 202",
          "PUT session-1 digest=D 502",
          "GET session-1 204",
          "PUT session-1 digest=D 502",
          "GET session-1 204",
          "PUT session-1 digest=D 201",
        ]);
      });
    });

    it("looks whether a commit was heard whose answer was not", async () => {
      const registry = new FakeRegistry().on("PUT", UPLOADS, async (_, usual) => {
        await usual();
        return CUT;
      });
      await pushing(registry, way, {}, async ({ pusher, repository, steps, requests }) => {
        const { layer, streams } = watchedLayer(CONTENT);
        await pusher.upload(repository, layer);
        assertEquals([streams.opened, requests.at(-1)!.method, requests.at(-1)!.status], [1, "HEAD", 200]);
        assertEquals(steps().at(-1), "GET session-1 404");
      });
    });

    it("gives up after four tries that get no further", async () => {
      const registry = new FakeRegistry().on("PATCH", UPLOADS, () => CUT, 99);
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        const { layer, streams } = watchedLayer(CONTENT);
        await assertRejects(
          () => pusher.upload(repository, layer),
          NetworkError,
          "/v2/app/blobs/uploads/session-4?_state=REDACTED: ",
        );
        assertEquals(steps().filter((step) => step.startsWith("PATCH")).length, 4);
        await until(() => streams.open === 0);
      });
    });

    it("is not tried again where it was refused", async () => {
      const registry = new FakeRegistry().on("PUT", UPLOADS, () => problem(400, "DIGEST_INVALID"), 9);
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        await assertRejects(() => pusher.upload(repository, watchedLayer(CONTENT).layer), HttpError, "DIGEST_INVALID");
        assertEquals(steps().length, 3);
      });
    });

    it("answers a challenge that comes before the body was read", async () => {
      for (const headers of [{ connection: "close" }, {}]) {
        const registry = new FakeRegistry();
        registry.on("PATCH", UPLOADS, ({ headers: shown }) => {
          assertEquals(shown.get("authorization"), null);
          const challenge = { "www-authenticate": "Basic realm=x" };
          return { status: 401, headers: { ...headers, ...challenge } };
        });
        const keychain = {
          resolve: () => Promise.resolve({ authorization: () => Promise.resolve({ username: "ann" }) }),
        };
        await pushing(registry, way, { keychain }, async ({ pusher, repository, requests }) => {
          const { layer, streams } = watchedLayer(CONTENT);
          await pusher.upload(repository, layer);
          assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
          assertEquals(
            requests.filter(({ method }) => method === "PATCH").map(({ headers }) => headers.get("authorization")),
            [
              null,
              `Basic ${btoa("ann:")}`,
            ],
          );
          await until(() => streams.open === 0);
        });
      }
    });

    it("fails as its source does, is not tried again, and does not become a blob", async () => {
      const registry = new FakeRegistry();
      const failure = new Error("the disk is gone");
      let left = 5;
      const open = (): Promise<ByteStream> =>
        Promise.resolve(pullStream({
          read() {
            if (left-- === 0) throw failure;
            return new Uint8Array(65536);
          },
        }));
      const layer = layerFromCompressed({
        descriptor: { mediaType: MediaType.OciLayer, digest: DIGEST, size: 1_000_000 },
        compressed: open,
      });
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        assertStrictEquals(await pusher.upload(repository, layer).catch((error) => error), failure);
        assertEquals(steps().filter((step) => step.startsWith("PATCH")).length <= 1, true);
        assertEquals(registry.blobsOf("app").size, 0);
      });
    });

    it("fails when its source is not what it says", async () => {
      const registry = new FakeRegistry();
      const spoilt = CONTENT.slice();
      spoilt[999_999] ^= 1;
      const layer = layerFromCompressed({
        descriptor: { mediaType: MediaType.OciLayer, digest: DIGEST, size: 1_000_000 },
        compressed: () => Promise.resolve(streamOf(spoilt)),
      });
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        await assertRejects(() => pusher.upload(repository, layer), DigestMismatchError);
        assertEquals(steps().filter((step) => step.startsWith("PUT")), []);
      });
    });

    it("of a stream has one try", async () => {
      const registry = new FakeRegistry().on("PATCH", UPLOADS, taking(100_000, CUT));
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        const layer = streamLayer(streamOf(CONTENT), { compression: "none" });
        await assertRejects(() => pusher.upload(repository, layer), NetworkError);
        assertEquals(steps(), ["POST 202", "PATCH session-1 0"]);
      });
    });

    it("of a stream cannot be made one PUT", async () => {
      const registry = new FakeRegistry({ patch: false });
      await pushing(registry, way, {}, async ({ pusher, repository }) => {
        const layer = streamLayer(streamOf(CONTENT), { compression: "none" });
        await assertRejects(() => pusher.upload(repository, layer), HttpError, "405");
      });
    });

    it("goes where the registry says, and must be told where", async () => {
      const registry = new FakeRegistry().on("POST", UPLOADS, () => ({ status: 202 }));
      await pushing(registry, way, {}, async ({ pusher, repository }) => {
        await assertRejects(
          () => pusher.upload(repository, watchedLayer(CONTENT).layer),
          ProtocolError,
          "has no Location header",
        );
      });
      registry.on("POST", UPLOADS, () => ({ status: 202, headers: { location: "http://[" } }));
      await pushing(registry, way, {}, async ({ pusher, repository }) => {
        await assertRejects(() => pusher.upload(repository, watchedLayer(CONTENT).layer), ProtocolError, "not a URL");
      });
    });

    it("ends promptly in the middle when it is aborted, and leaves no request open", async () => {
      const registry = new FakeRegistry().on("PATCH", UPLOADS, async (request) => {
        await new Response(firstBytes(request.body, 100_000)).arrayBuffer();
        return STALL;
      });
      await pushing(registry, way, {}, async ({ pusher, repository, requests }) => {
        const { layer, streams } = watchedLayer(noise(20_000_000));
        const stop = new AbortController();
        const upload = pusher.upload(repository, layer, { signal: stop.signal });
        await until(() => requests.some(({ method, bodySize }) => method === "PATCH" && bodySize >= 100_000));
        const reason = new Error("enough");
        stop.abort(reason);
        assertStrictEquals(await upload.catch((error) => error), reason);
        await until(() => streams.open === 0 && requests.every(({ over }) => over));
        assertEquals(requests.filter(({ method }) => method === "PATCH").length, 1);
      });
    });

    it("of a layer without a digest compresses it once, into a file that is removed", () =>
      leavingNothing(async () => {
        const registry = new FakeRegistry();
        let during: string[] = [];
        registry.on("PATCH", UPLOADS, async (request, usual) => {
          during = temporariesInUse();
          return await usual({ body: request.body });
        });
        registry.on("PUT", UPLOADS, () => problem(403, "DENIED"));
        await pushing(registry, way, {}, async ({ pusher, repository }) => {
          await assertRejects(async () => await pusher.upload(repository, await layerFromBytes(CONTENT)), HttpError);
          assertEquals([during.length, temporariesInUse()], [1, []]);
          const layer = await layerFromBytes(CONTENT);
          await pusher.upload(repository, layer);
          assertEquals(registry.blobsOf("app").get(await layer.digest())?.length, await layer.size());
        });
      }));
  });
}
