import { assert, assertEquals } from "@std/assert";
import { push, tree } from "@gcrane/gcrane/crane";
import { randomIndex } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Shows what an index leads to. */
export default async function ({ repository }: World): Promise<void> {
  await push(randomIndex({ seed: 1, images: 2, layers: 3 }), `${repository}:v1`);
  const { kind, manifests, totalSize } = await tree(`${repository}:v1`);
  assertEquals([kind, manifests.map(({ layers }) => layers.length)], ["index", [3, 3]]);
  assert(totalSize > 0);
}
