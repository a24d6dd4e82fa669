import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { copyRecursively } from "../../gcr/mod.ts";
import { basic, type Keychain } from "../../src/authn/mod.ts";
import { AuthError, HttpError } from "../../src/errors.ts";
import { randomImage } from "../../src/image/mod.ts";
import { parseReference } from "../../src/name/mod.ts";
import { basicAccess, createRegistry } from "../../src/registry/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { SOURCE, TARGET } from "../make/copy_world.ts";

/** Returns the same credentials for every registry. */
const keychainOf = (username: string, password: string): Keychain => ({
  resolve: () => Promise.resolve(basic(username, password)),
});
const reader = keychainOf("reader", "of the source");
const writer = keychainOf("writer", "of the target");

/** Creates two registries with different users, and records their logins. */
function world(): { fetch: typeof fetch; seen: Set<string> } {
  const source = createRegistry({ access: basicAccess({ users: { reader: "of the source" } }) });
  const target = createRegistry({ access: basicAccess({ users: { writer: "of the target" } }) });
  const seen = new Set<string>();
  return {
    seen,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const { host } = new URL(request.url);
      const sent = request.headers.get("authorization");
      if (sent) seen.add(`${atob(sent.split(" ")[1]).split(":")[0]} at ${host}`);
      return await (host === SOURCE ? source : target).fetch(request);
    },
  };
}

describe("cp -r between registries with credentials of their own", () => {
  it("signs in at each with its keychain alone", async () => {
    const { fetch, seen } = world();
    const image = randomImage({ seed: 1 });
    await new Pusher({ fetch, keychain: reader }).push(parseReference(`${SOURCE}/team/app:v1`), image);
    seen.clear();

    const options = { fetch, keychain: writer, sourceKeychain: reader };
    const result = await copyRecursively(`${SOURCE}/team`, `${TARGET}/team`, { ...options, extra: "find" });
    assertEquals([result.failed, result.manifests, result.extra], [0, 1, []]);
    assertEquals([...seen].sort(), [`reader at ${SOURCE}`, `writer at ${TARGET}`]);

    const copied = await new Puller({ fetch, keychain: writer }).digest(parseReference(`${TARGET}/team/app:v1`));
    assertEquals(copied, await image.digest());
  });

  it("is refused at the source with the destination's", async () => {
    const { fetch } = world();
    const error = await assertRejects(() => copyRecursively(SOURCE, TARGET, { fetch, keychain: writer }));
    assertEquals(error instanceof HttpError || error instanceof AuthError, true, `${error}`);
  });
});
