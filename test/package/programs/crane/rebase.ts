import { assertEquals } from "@std/assert";
import { extract, pull, push, rebase } from "@gcrane/gcrane/crane";
import { appendLayers } from "@gcrane/gcrane/mutate";
import { filesOf, imageOf, layerOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Moves an image to a newer base. */
export default async function ({ repository }: World): Promise<void> {
  const base = await imageOf({ "usr/bin/node": "old" });
  const [oldBase, newBase, app] = ["old", "new", "app"].map((tag) => `${repository}:${tag}`);
  await push(base, oldBase);
  await push(await imageOf({ "usr/bin/node": "new" }), newBase);
  await push(appendLayers(base, [await layerOf({ "app/main.js": "app" })]), app);
  const rebased = await pull(await rebase(app, { oldBase, newBase }));
  assertEquals(await filesOf(extract(rebased)), { "usr/bin/node": "new", "app/main.js": "app" });
}
