import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { copyRecursively } from "../../gcr/mod.ts";
import { FakeRegistry, fakeServer } from "../fakes/mod.ts";
import { addImage } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";

const SHARED = noise(20_000_000, 3);
const REPOSITORIES = Array.from({ length: 6 }, (_, i) => `team/app-${i}`);

describe("a layer that six repositories share", { timeout: 120_000 }, () => {
  for (const jobs of [1, 4, 16]) {
    it(`is received once by the target, with ${jobs} jobs`, async () => {
      const [source, target] = [new FakeRegistry(), new FakeRegistry()];
      for (const [i, name] of REPOSITORIES.entries()) {
        addImage(source, name, { tag: "v1", layers: [SHARED, noise(1000, 10 + i)] });
      }
      const servers = [await fakeServer(source.handle), await fakeServer(target.handle)];
      try {
        const [from, to] = servers;
        await copyRecursively(`${from.host}/team`, `${to.host}/team`, { jobs });
        for (const name of REPOSITORIES) {
          const held = [...source.blobsOf(name)];
          assertEquals(held.length, 3);
          for (const [digest, bytes] of held) assertEquals(target.blobsOf(name).get(digest)?.length, bytes.length);
        }
        const received = to.requests.reduce((sum, { bodySize }) => sum + bodySize, 0);
        assert(received >= SHARED.length && received <= 1.02 * SHARED.length, `${received} bytes were received`);
      } finally {
        for (const server of servers) await server.close();
      }
    });
  }
});
