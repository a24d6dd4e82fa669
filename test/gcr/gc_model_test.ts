import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { type GcRules, planGarbage } from "../../gcr/mod.ts";
import { GcLinks } from "../../gcr/gc_graph.ts";
import { graphOf, modelGarbage, type ModelRules, plannedGarbage, randomOf, randomShapes } from "./gc_model.ts";

const HOUR = 3_600_000;
const now = Date.UTC(2026, 0, 1);

/** Rules, and the same ones as the model has them. */
const rules: readonly (readonly [name: string, rules: GcRules, model: ModelRules])[] = [
  ["no rules", {}, { removes: () => false, graceHours: 24, orphans: false }],
  ["no grace", { grace: 0, orphans: true }, { removes: () => false, graceHours: 0, orphans: true }],
  [
    "tags that go when they are old",
    { remove: [{ tag: "pr-*", olderThan: 100 * HOUR }] },
    {
      removes: (tag, hours) => tag.startsWith("pr-") && hours !== undefined && hours >= 100,
      graceHours: 24,
      orphans: false,
    },
  ],
  [
    "all tags go but some, and grace is long",
    { remove: [{}], keep: [{ tag: "/^v/" }], grace: 48 * HOUR },
    { removes: (tag) => !tag.startsWith("v"), graceHours: 48, orphans: false },
  ],
];

describe("planGarbage, against a model", () => {
  for (const [name, given, model] of rules) {
    it(`judges 1,000 random repositories as the model does: ${name}`, { timeout: 60_000 }, () => {
      let garbage = 0;
      for (let seed = 0; seed < 1000; seed++) {
        const shapes = randomShapes(randomOf(seed));
        // What a rule removes stays for its age too: the model knows that by the manifest being kept.
        const expected = modelGarbage(shapes, model);
        garbage += expected.size;
        assertEquals([...plannedGarbage(shapes, given, now)].sort(), [...expected].sort(), `seed ${seed}`);
      }
      assert(garbage > 1000, `only ${garbage} pieces of garbage in all`);
    });
  }

  it("deletes in an order in which nothing is left that leads nowhere", () => {
    let waves = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const { graph } = graphOf(randomShapes(randomOf(seed)), now);
      const { manifests } = planGarbage(graph, { grace: 0 }, now);
      const digests = manifests.map(({ digest }) => digest);
      const links = new GcLinks(graph);
      const order = links.deletionWaves(digests);
      waves = Math.max(waves, order.length);
      assertEquals(order.flat().sort(), digests);
      const gone = new Set<string>();
      for (const wave of order) {
        for (const digest of wave) {
          for (const below of links.leansOn(digest)) assert(!gone.has(below) && !wave.includes(below), `seed ${seed}`);
        }
        for (const digest of wave) gone.add(digest);
      }
    }
    assert(waves > 3, `${waves} waves at most`);
  });

  it("counts the bytes that only garbage needs, once", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { graph } = graphOf(randomShapes(randomOf(seed)), now);
      const { manifests } = planGarbage(graph, { grace: 0 }, now);
      const shared = manifests.length === graph.manifests.size && manifests.length > 0 ? 100 : 0;
      const sum = manifests.reduce((sum, { bytes }) => sum + bytes, 0);
      assertEquals(sum, manifests.length * 1010 + shared, `seed ${seed}`);
    }
  });
});
