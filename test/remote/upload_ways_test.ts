import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { DigestMismatchError } from "../../src/errors.ts";
import { layerFromCompressed } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { digestOf, FakeRegistry } from "../fakes/mod.ts";
import { noise } from "../make/bytes.ts";
import { until } from "../make/waiting.ts";
import { failing, pushing, watchedLayer, WAYS } from "./pushing.ts";

const UPLOADS = /\/uploads\//;
const CONTENT = noise(1_000_000, 5);
const DIGEST = digestOf(CONTENT);

for (const way of WAYS) {
  describe(`an upload ${way}`, () => {
    it("is one PUT of a known length where the registry takes no parts", async () => {
      for (const status of [400, 403, 404, 405, 411, 415, 501]) {
        const registry = new FakeRegistry().on("PATCH", UPLOADS, () => failing(status), 9);
        await pushing(registry, way, {}, async ({ pusher, repository, steps, requests }) => {
          const { layer, streams } = watchedLayer(CONTENT);
          await pusher.upload(repository, layer);
          assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
          assertEquals(steps().slice(4), ["POST 202", "PUT session-3 digest=D 201"]);
          if (way === "over the wire") {
            assertEquals(requests.at(-1)!.headers.get("content-length"), "1000000");
            assertEquals(requests.at(-1)!.headers.get("transfer-encoding"), null);
          }
          await until(() => streams.open === 0);
          const before = steps().length;
          await pusher.upload(repository, watchedLayer(noise(1_000_000, 6)).layer);
          assertEquals(steps().slice(before), ["POST 202", "PUT session-4 digest=D 201"]);
        });
      }
    });

    it("is a PATCH and a PUT without a body where the registry takes no bytes with a PUT", async () => {
      const small = noise(1000, 7);
      const registry = new FakeRegistry();
      registry.on(
        "PUT",
        UPLOADS,
        ({ headers }, usual) => headers.get("content-length") === "1000" ? failing(400) : usual(),
        9,
      );
      await pushing(registry, way, {}, async ({ pusher, repository, steps }) => {
        await pusher.upload(repository, watchedLayer(small).layer);
        assertEquals(registry.blobsOf("app").get(digestOf(small)), small);
        const before = steps().length;
        await pusher.upload(repository, watchedLayer(noise(1000, 8)).layer);
        assertEquals(steps().slice(before).filter((step) => step.endsWith("400")), []);
      });
    });

    it("goes on by the scheme that the registry was reached by, whatever its Location names", async () => {
      const registry = new FakeRegistry();
      registry.on("POST", UPLOADS, async ({ url }, usual) => {
        const answer = await usual();
        const { location } = answer.headers as Record<string, string>;
        const other = url.protocol === "https:" ? "http:" : "https:";
        const { host, pathname } = new URL(location, url);
        return {
          ...answer,
          headers: { ...answer.headers, location: url.port ? `${other}//${host}${pathname}` : location },
        };
      });
      await pushing(registry, way, {}, async ({ pusher, repository }) => {
        await pusher.upload(repository, watchedLayer(CONTENT).layer);
        assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
      });
    });

    it("is a PATCH of a known length where the registry takes none without", async () => {
      for (const status of [400, 403, 405, 411, 501, 500]) {
        const registry = new FakeRegistry().on("PATCH", UPLOADS, () => failing(status));
        await pushing(registry, way, {}, async ({ pusher, repository, requests }) => {
          await pusher.upload(repository, watchedLayer(CONTENT).layer);
          assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
          const patches = () => requests.filter(({ method }) => method === "PATCH");
          assertEquals(patches().at(-1)!.headers.get("content-length"), "1000000");
          assertEquals(patches().length, 2);
          if (status === 500) return; // that may pass, so the next blob is sent as before
          await pusher.upload(repository, watchedLayer(noise(1_000_000, 6)).layer);
          assertEquals(patches().slice(2).map(({ headers }) => headers.get("content-length")), ["1000000"]);
        });
      }
    });

    it("is several PATCHes where the registry takes no larger ones", async () => {
      for (const least of [undefined, 300_000]) {
        const registry = new FakeRegistry();
        registry.on("POST", UPLOADS, async (_, usual) => {
          const answer = await usual();
          return { ...answer, headers: { ...answer.headers, ...(least && { "oci-chunk-min-length": String(least) }) } };
        }, 9);
        registry.on(
          "PATCH",
          UPLOADS,
          ({ headers }, usual) => Number(headers.get("content-length") ?? Infinity) > 400_000 ? failing(413) : usual(),
          99,
        );
        await pushing(registry, way, {}, async ({ pusher, repository, requests }) => {
          const { layer, streams } = watchedLayer(CONTENT);
          await pusher.upload(repository, layer);
          assertEquals(registry.blobsOf("app").get(DIGEST), CONTENT);
          const ranges = () =>
            requests.filter(({ method, status }) => method === "PATCH" && status === 202)
              .map(({ headers }) => headers.get("content-range"));
          const size = least ?? 262_144;
          const expected = [0, 1, 2, 3].map((i) => `${i * size}-${Math.min((i + 1) * size, 1_000_000) - 1}`);
          assertEquals(ranges(), expected);
          await until(() => streams.open === 0);
          await pusher.upload(repository, watchedLayer(noise(1_000_000, 6)).layer);
          assertEquals(requests.filter(({ status }) => status === 413).length, 1);
          assertEquals(ranges(), [...expected, ...expected]);
        });
      }
    });

    it("fails as its source does, also in several PATCHes", async () => {
      const registry = new FakeRegistry().on(
        "PATCH",
        UPLOADS,
        ({ headers }, usual) => Number(headers.get("content-length") ?? Infinity) > 400_000 ? failing(413) : usual(),
        99,
      );
      await pushing(registry, way, {}, async ({ pusher, repository }) => {
        const wrong = layerFromCompressed({
          descriptor: { mediaType: MediaType.OciLayer, digest: digestOf(noise(5)), size: CONTENT.length },
          compressed: () => Promise.resolve(streamOf(CONTENT)),
        });
        await assertRejects(() => pusher.upload(repository, wrong), DigestMismatchError);
        assertEquals(registry.blobsOf("app").size, 0);
      });
    });
  });
}
