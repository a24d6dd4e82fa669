import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError } from "../../src/errors.ts";
import { parseReference, parseRepository, type Reference } from "../../src/name/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { FakeRegistry, type FakeRegistryOptions, type FakeServer, fakeServer } from "../fakes/mod.ts";
import { annsKeychain } from "../make/connecting.ts";
import { addImage, contentOf } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { watchedLayer } from "./pushing.ts";

/** Runs a test against a fake registry over the wire, which has an image of three layers. */
async function serving(
  options: FakeRegistryOptions,
  test: (server: FakeServer, reference: Reference, registry: FakeRegistry) => Promise<void>,
): Promise<void> {
  const registry = new FakeRegistry(options);
  addImage(registry, "app", { tag: "v1", layers: [noise(100_000), noise(300_000, 2), noise(10, 3)] });
  const server = await fakeServer(registry.handle);
  try {
    await test(server, parseReference(`${server.host}/app:v1`), registry);
  } finally {
    await server.close();
  }
}

describe("a connection over the wire", () => {
  it("is enough for a digest, with a token and without", async () => {
    for (const auth of [undefined, "basic", "bearer"] as const) {
      await serving({ auth }, async (server, reference) => {
        const puller = new Puller({ keychain: annsKeychain });
        await puller.digest(reference);
        await puller.digest(reference);
        assertEquals(server.requests.length, auth === "bearer" ? 4 : 3);
        assertEquals(server.connections, 1);
      });
    }
  });

  it("is enough for an image that is read from its beginning to its end", async () => {
    await serving({}, async (server, reference) => {
      const image = await new Puller().image(reference);
      await image.configFile();
      for (const layer of await image.layers()) await contentOf(layer);
      assertEquals(server.requests.length, 6);
      assertEquals(server.connections, 1);
    });
  });

  it("is enough for errors", async () => {
    await serving({}, async (server, reference) => {
      const puller = new Puller();
      for (let i = 0; i < 5; i++) {
        await assertRejects(() => puller.get(reference.repository.tag(`none${i}`)), HttpError, "404");
        await assertRejects(() => puller.head(reference.repository.tag(`none${i}`)), HttpError, "404");
      }
      assertEquals(server.connections, 1);
    });
  });

  it("is used for many requests of a job", async () => {
    for (const jobs of [1, 4]) {
      await serving({}, async (server) => {
        const pusher = new Pusher({ jobs });
        const repository = parseRepository(`${server.host}/other`);
        const layers = [1, 2, 3, 4, 5, 6].map((seed) => watchedLayer(noise(seed * 50_000, seed)).layer);
        await Promise.all(layers.map((layer) => pusher.upload(repository, layer)));
        assertEquals(server.requests.filter(({ method }) => method === "PUT").length, 6);
        assert(server.requests.length >= 24);
        // Bun gives a connection up when the answer comes before it has noticed that the body was at its end.
        const streamed = server.requests.filter(({ method }) => method === "PATCH").length;
        assert(server.connections <= jobs + streamed, `${server.connections} for ${jobs}`);
      });
    }
  });

  it("is enough for a copy by mount", async () => {
    await serving({}, async (server, reference) => {
      const pusher = new Pusher({ jobs: 1 });
      await pusher.push(
        parseReference(`${server.host}/copy:v1`),
        await new Puller({ client: pusher.client }).image(reference),
      );
      assert(server.connections <= 1, String(server.connections));
    });
  });

  it("is made anew when the server has closed the one that was kept", async () => {
    await serving({}, async (server, reference, registry) => {
      const puller = new Puller({ retry: { delayMs: 0 } });
      for (let i = 0; i < 3; i++) {
        registry.on("HEAD", /manifests/, async (_, usual) => {
          const answer = await usual();
          return { ...answer, headers: { ...answer.headers as Record<string, string>, connection: "close" } };
        });
        await puller.digest(reference);
      }
      assertEquals(server.requests.filter(({ method }) => method === "HEAD").length, 3);
    });
  });
});
