import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { collectGarbage, type GcEvent, type GcManifest, type GcRules, planGarbage } from "../../gcr/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { digestOf } from "../fakes/mod.ts";
import { GcWorld, host } from "./gc_world.ts";

/** Deletes garbage of the repository `app`; what was found, and what failed. */
async function collect(world: GcWorld, rules: Partial<GcRules> = {}): Promise<{ found: Hash[]; failures: string[] }> {
  const events: GcEvent[] = [];
  const onEvent = (event: GcEvent) => void events.push(event);
  await collectGarbage(parseRepository(`${host}/app`), { ...world.options, delete: true, rules, onEvent });
  return {
    found: events.flatMap((event) => event.kind === "garbage" ? [event.manifest.digest] : []),
    failures: events.flatMap((event) => event.kind === "failed" ? [(event.error as Error).message] : []),
  };
}

describe("collectGarbage", () => {
  it("keeps what a kept manifest mentions in any field, and all that leads to (rule 21)", async () => {
    for (const plain of [false, true]) {
      const world = new GcWorld({ plain });
      const remove = [{ tag: "pr-*" }];
      const child = await world.put("app", { tags: ["pr-1"] });
      const index = await world.put("app", { members: [child] });
      const named = await world.put("app", { tags: ["pr-2"] });
      const annotations = { base: index, origin: `${host}/app@${named}`, elsewhere: `sha256:${"0".repeat(64)}` };
      const kept = await world.put("app", { tags: ["v1"], annotations });
      const gone = await world.put("app", { tags: ["pr-3"] });
      const { found, failures } = await collect(world, { grace: 0, remove });
      assertEquals([failures, found], [[], [gone]], `plain: ${plain}`);
      assertEquals(await world.there("app", [child, index, named, kept]), [child, index, named, kept]);
    }
  });

  it("leaves a repository alone with a manifest that is nested too deeply", async () => {
    const world = new GcWorld();
    const orphan = await world.put("app");
    const odd = await world.put("app", { tags: ["odd"] });
    const bytes = new TextEncoder().encode(`{"x":${"[".repeat(4_000)}"${orphan}"${"]".repeat(4_000)}}`);
    const deep = digestOf(bytes);
    world.intervene = async ({ path }, usual) => {
      if (path.endsWith(deep)) return new Response(bytes, { headers: { "content-type": "application/x-odd" } });
      if (!path.includes("/tags/list")) return await usual();
      const answer = await (await usual()).text();
      return new Response(answer.replaceAll(odd, deep));
    };
    const { found, failures } = await collect(world);
    assertEquals([failures.length, found], [1, []]);
    assertStringIncludes(failures[0], "nested deeper than 1000 levels");
    assertEquals(await world.there("app", [orphan]), [orphan]);
  });

  it("keeps a manifest that a kept one names as a blob", () => {
    const manifest = { tags: [], uploaded: 0, members: [], size: 1, blobs: [], mentioned: [] };
    const [a, b, c] = ["a", "b", "c"].map((digit): Hash => `sha256:${digit.repeat(64)}`);
    const manifests = new Map<Hash, GcManifest>([
      [a, { ...manifest, digest: a, tags: ["v1"], blobs: [{ digest: b, size: 1 }] }],
      [b, { ...manifest, digest: b }],
      [c, { ...manifest, digest: c }],
    ]);
    const graph = { repository: "app", name: `${host}/app`, manifests, referrers: new Map() };
    assertEquals(planGarbage(graph, { grace: 0 }, 1).manifests.map(({ digest }) => digest), [c]);
  });
});
