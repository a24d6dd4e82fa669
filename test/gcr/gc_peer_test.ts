import { assertEquals } from "@std/assert";
import { describe } from "node:test";
import { collectGarbage, type GcEvent } from "../../gcr/mod.ts";
import { push } from "../../src/crane/mod.ts";
import { emptyIndex, randomImage } from "../../src/image/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { Puller } from "../../src/remote/mod.ts";
import { dockerRegistry, peerIt } from "../peers/mod.ts";

describe("garbage collection of docker-registry", () => {
  peerIt("deletes what rules say with all below it, and lists what it can't", ["docker-registry"], async () => {
    const { host, stop } = await dockerRegistry();
    try {
      const [a, b, c] = [1, 2, 3].map((seed) => randomImage({ seed }));
      await push(appendManifests(emptyIndex(), [{ member: a }, { member: b }]), `${host}/team/app:pr-1`);
      await push(b, `${host}/team/app:v1`);
      await push(c, `${host}/team/app:v2`);
      await push(c, `${host}/team/app:pr-2`);
      const left: string[] = [];
      const onEvent = (event: GcEvent) => void (event.kind === "left" && left.push(`${event.name} ${event.reason}`));
      const rules = { grace: 0, remove: [{ tag: "pr-*" }] };
      const result = await collectGarbage(parseRegistry(host), { rules, delete: true, onEvent });
      assertEquals([result.failed, result.garbage, result.deleted, result.unlisted], [0, 2, 2, 1]);
      assertEquals(left, [`${host}/team/app:pr-2 the registry deletes no tags`]);
      const puller = new Puller();
      const app = parseRegistry(host).repository("team/app");
      assertEquals((await Array.fromAsync(puller.tags(app))).sort(), ["pr-2", "v1", "v2"]);
      assertEquals(await puller.digest(app.tag("v1")), await b.digest());
    } finally {
      await stop();
    }
  }, { timeout: 60_000 });
});
