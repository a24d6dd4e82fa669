import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { extractLayers } from "../../src/mutate/mod.ts";
import { Random } from "../make/random.ts";
import type { Item } from "../make/file_tree.ts";
import { itemsOf, unpacked } from "../make/entry_layers.ts";
import { randomLayers, storedLayer } from "../make/random_layers.ts";

const STACKS = 600;

describe("extract", () => {
  for (const duplicates of [false, true]) {
    const kind = duplicates ? "that hold names twice" : "that hold each name once";
    it(`gives what ${STACKS} random stacks of layers ${kind} make`, { timeout: 60_000 }, async () => {
      let links = 0;
      for (let seed = 1; seed <= STACKS; seed++) {
        const random = new Random(seed + (duplicates ? 1_000_000 : 0));
        const { layers, tree } = randomLayers(random, { duplicates, devices: true });
        const stack = await Promise.all(layers.map((items) => storedLayer(items, random)));
        const story = () => `seed ${seed}:\n${layers.map(told).join("\n")}`;
        let items: Item[] = [];
        try {
          items = await itemsOf(extractLayers(stack));
          // A name that was written over is no longer there to link to: then what was linked is written twice.
          const sharing = { links: !duplicates };
          assertEquals(unpacked(items).lines(sharing), tree.lines(sharing));
        } catch (error) {
          throw new Error(`${story()}\nwritten: ${told(items)}\n${error}`, { cause: error });
        }
        links += items.filter((item) => item.type === "link").length;
      }
      // What links are about was tried.
      assertEquals(links > STACKS / 4, true, `${links} links`);
    });
  }
});

function told(items: readonly Item[]): string {
  return items.map(({ path, type, linkname }) => `${type} ${path}${linkname === undefined ? "" : ` -> ${linkname}`}`)
    .join(", ");
}
