import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { basic } from "../../../src/authn/mod.ts";
import { randomImage } from "../../../src/image/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { serveRegistry } from "../../../src/registry/mod.ts";
import { Puller, Pusher } from "../../../src/remote/mod.ts";
import { describePeer, dockerRegistry, registryUser, skopeo } from "../../peers/mod.ts";

describePeer("a pull-through cache of docker-registry", ["docker-registry", "skopeo"], () => {
  it("pulls with its own credentials, and goes on when docker-registry is gone", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane_cache_"));
    const upstream = await dockerRegistry({ auth: true });
    const authenticator = basic(registryUser.username, registryUser.password);
    const keychain = { resolve: () => Promise.resolve(authenticator) };
    const image = randomImage({ seed: 1, layers: 3, size: 3_000_000 });
    await new Pusher({ keychain }).push(parseReference(`${upstream.host}/team/app:v1`), image);
    const cache = await serveRegistry({
      disk: join(folder, "cache"),
      proxy: { upstream: `http://${upstream.host}`, keychain, ttl: 0 },
    });
    try {
      const source = `docker://127.0.0.1:${cache.port}/team/app:v1`;
      await assertRejects(() => new Puller().head(parseReference(`${upstream.host}/team/app:v1`)));
      await skopeo("copy", "--src-tls-verify=false", source, `oci:${join(folder, "one")}:v1`);
      await upstream.stop();
      await skopeo("copy", "--src-tls-verify=false", source, `oci:${join(folder, "two")}:v1`);
      const kept = await new Puller().head(parseReference(`127.0.0.1:${cache.port}/team/app:v1`));
      assertEquals(kept.digest, await image.digest());
    } finally {
      await cache.shutdown({ patience: 0 });
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
