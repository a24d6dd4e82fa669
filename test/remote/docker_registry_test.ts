import { assertEquals, assertRejects } from "@std/assert";
import { after, before, describe } from "node:test";
import { basic } from "../../src/authn/mod.ts";
import { HttpError } from "../../src/errors.ts";
import { randomImage } from "../../src/image/mod.ts";
import { parseReference } from "../../src/name/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { describePeer, type DockerRegistry, dockerRegistry, peerIt, registryUser } from "../peers/mod.ts";
import { roundTrips } from "./round_trips.ts";

describePeer("with docker-registry", ["docker-registry"], () => {
  describe("open to everybody", () => {
    let registry: DockerRegistry;
    before(async () => registry = await dockerRegistry({ delete: true }));
    after(() => registry.stop());
    roundTrips(() => registry);
  });

  describe("behind a password", () => {
    let registry: DockerRegistry;
    const keychain = { resolve: () => Promise.resolve(basic(registryUser.username, registryUser.password)) };
    before(async () => registry = await dockerRegistry({ delete: true, auth: true }));
    after(() => registry.stop());
    roundTrips(() => ({ host: registry.host, keychain }));

    peerIt("lets in nobody else", ["docker-registry"], async () => {
      const reference = parseReference(`${registry.host}/app:v1`);
      const wrong = { resolve: () => Promise.resolve(basic(registryUser.username, "wrong")) };
      for (const options of [{}, { keychain: wrong }]) {
        const error = await assertRejects(() => new Puller(options).get(reference), HttpError, "401 Unauthorized");
        assertEquals(error.hint?.endsWith(`gcrane auth login ${registry.host}`), true);
        await assertRejects(() => new Pusher(options).push(reference, randomImage()), HttpError, "401 Unauthorized");
      }
    });
  });

  peerIt("keeps a pushed image that it is asked for without deletes", ["docker-registry"], async () => {
    const registry = await dockerRegistry({ delete: false });
    try {
      const reference = parseReference(`${registry.host}/app:v1`);
      const pusher = new Pusher();
      const digest = await pusher.push(reference, randomImage());
      await assertRejects(() => pusher.delete(reference.repository.digest(digest)), HttpError, "405");
      assertEquals(await new Puller({ client: pusher.client }).digest(reference), digest);
    } finally {
      await registry.stop();
    }
  });
});
