import { assert, assertEquals } from "@std/assert";
import { after, before, describe, it } from "node:test";
import { copyRecursively } from "../../gcr/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { serveFetch, type Server } from "../../src/runtime/mod.ts";
import { contentOf, fill, pushWith, validateAll } from "../make/copy_world.ts";
import { Place } from "../make/process_place.ts";

/** The number of kills; fewer where the time of the suite matters more than where exactly each kill falls. */
const KILLS = "Deno" in globalThis ? 30 : 10;

/** Numbers from 0 to 1 that are the same in each run. */
function* pseudoRandom(seed: number): Generator<number, never, undefined> {
  for (let state = seed;;) {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    const mixed = Math.imul(state ^ state >>> 12, 0x297a2d39);
    yield ((mixed ^ mixed >>> 15) >>> 0) / 2 ** 32;
  }
}

/** Two registries behind sockets; the requests to both are counted, and something happens at one of them. */
class KillingGround {
  readonly source = createRegistry();
  target = createRegistry();
  /** How many requests there were. */
  requests = 0;
  /** The blobs that the target was sent to their end, each with its repository. */
  readonly uploads: string[] = [];
  /** What happens at which request. */
  at: { count: number; act: () => void } | undefined;
  readonly #servers: Server[] = [];

  async start(): Promise<void> {
    for (const name of ["source", "target"] as const) {
      const serve = async (request: Request) => {
        if (++this.requests === this.at?.count) this.at.act();
        const { pathname, searchParams } = new URL(request.url);
        const [repository, upload] = pathname.split("/blobs/uploads/");
        if (request.method === "PUT" && upload) this.uploads.push(`${repository} ${searchParams.get("digest")}`);
        return await this[name].fetch(request);
      };
      this.#servers.push(await serveFetch(serve, { hostname: "127.0.0.1", port: 0 }));
    }
    await fill((reference, view) => pushWith(this.source.fetch as typeof fetch, reference, view), this.host("source"));
  }

  host(name: "source" | "target"): string {
    return new URL(this.#servers[name === "source" ? 0 : 1].url).host;
  }

  /** Begins again with an empty target. */
  renew(): void {
    this.target = createRegistry();
    this.requests = 0;
    this.uploads.length = 0;
    this.at = undefined;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) await server.close();
  }
}

describe("cp -r that is killed", () => {
  const ground = new KillingGround();
  const place = new Place();
  const content = (name: "source" | "target") => contentOf(ground.host(name), ground[name].fetch as typeof fetch);

  before(() => ground.start());
  after(async () => {
    place.remove();
    await ground.stop();
  });

  /** Starts it as a process and gives its end, which is violent at the n-th request if that is given. */
  async function run(n?: number): Promise<number | string> {
    const running = place.start(`cp -r -j 3 --journal journal ${ground.host("source")} ${ground.host("target")}`);
    if (n !== undefined) ground.at = { count: ground.requests + n, act: () => running.child.kill("SIGKILL") };
    return await running.ended();
  }

  it(`${KILLS} times at any moment loses nothing and repeats little`, { timeout: 230_000 }, async () => {
    assertEquals(await run(), 0);
    const all = ground.requests;
    const expected = await content("source");
    assertEquals(await content("target"), expected);

    const random = pseudoRandom(1);
    let killed = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      ground.renew();
      const n = 1 + Math.floor(random.next().value * all);
      const how = `killed at request ${n} of ${all}`;
      const end = await run(n);
      assert(end === "SIGKILL" || end === 0, `${how} ended with ${end}`);
      if (end === "SIGKILL") killed++;
      // Existing images are complete, even if others are missing.
      await validateAll(ground.host("target"), ground.target.fetch as typeof fetch);
      const journal = place.path("journal");
      // Each fifth goes on as a process of its own, and dies once more; the others in this one, which is faster.
      if (kill % 5 === 0) {
        await run(1 + Math.floor(random.next().value * all));
        assertEquals(await run(), 0, how);
      } else {
        const options = { journal, jobs: 3 };
        const { failed } = await copyRecursively(ground.host("source"), ground.host("target"), options);
        assertEquals(failed, 0, how);
      }
      assertEquals(await content("target"), expected, how);
      await validateAll(ground.host("target"), ground.target.fetch as typeof fetch);
      // Only what was on its way is sent again to the same repository: three layers at a time, by two that are killed.
      const again = ground.uploads.length - new Set(ground.uploads).size;
      assert(again <= 6, `${how}: ${again} of ${ground.uploads.length} uploads were repeated`);
    }
    // At its very last requests it may be through before it dies.
    assert(killed > KILLS - 5, `only ${killed} were killed`);
  });
});
