import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { parseRepository } from "../../src/name/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { serveRegistry } from "../../src/registry/mod.ts";
import { type CuttingProxy, cuttingProxy } from "../fakes/mod.ts";
import { dockerRegistry, peerIt } from "../peers/mod.ts";
import { contentOf } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { watchedLayer } from "./pushing.ts";

const CONTENT = noise(6_000_000, 21);

/** Pushes and pulls a layer while its connections are cut; the methods of the uploads' requests. */
async function pushAndPull(proxy: CuttingProxy): Promise<string[]> {
  const requests: string[] = [];
  const pusher = new Pusher({
    retry: { delayMs: 0 },
    onRequest: ({ method, url }) => url.includes("/uploads/") && requests.push(method),
  });
  const repository = parseRepository(`${proxy.host}/app`);
  const { layer } = watchedLayer(CONTENT);
  await pusher.checkPush(repository);
  requests.length = 0;
  proxy.cutAfter({ sent: 3_000_000 });
  await pusher.upload(repository, layer);
  assertEquals(proxy.cuts, 1);

  const pulled = await new Puller({ client: pusher.client }).layer(repository.digest(await layer.digest()));
  proxy.cutAfter({ received: 3_000_000 });
  assertEquals(await contentOf(pulled), CONTENT);
  assertEquals(proxy.cuts, 2);
  return requests;
}

describe("over connections that are cut in the middle", () => {
  it("a layer goes on where it was, to and from the registry of this package", async () => {
    const stop = new AbortController();
    const server = await serveRegistry({ signal: stop.signal });
    const proxy = await cuttingProxy(`127.0.0.1:${server.port}`);
    try {
      // A GET may come before the server has stored all that it received: the next PATCH is then refused once more.
      assertMatch((await pushAndPull(proxy)).join(" "), /^POST PATCH( GET PATCH){1,2} PUT$/);
    } finally {
      await proxy.close();
      stop.abort();
      await server.finished;
    }
  });

  peerIt("a layer arrives in docker-registry, which forgets a session that was cut", ["docker-registry"], async () => {
    const registry = await dockerRegistry();
    const proxy = await cuttingProxy(registry.host);
    try {
      assertEquals(await pushAndPull(proxy), ["POST", "PATCH", "GET", "POST", "PATCH", "PUT"]);
    } finally {
      await proxy.close();
      await registry.stop();
    }
  });
});
