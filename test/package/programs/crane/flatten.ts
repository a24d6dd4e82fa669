import { assertEquals } from "@std/assert";
import { extract, flatten, pull, push } from "@gcrane/gcrane/crane";
import { appendLayers } from "@gcrane/gcrane/mutate";
import { filesOf, imageOf, layerOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Merges the layers of an image. */
export default async function ({ repository }: World): Promise<void> {
  const image = appendLayers(await imageOf({ a: "1", b: "1" }), [await layerOf({ b: "2", ".wh.a": "" })]);
  await push(image, `${repository}:v1`);
  const flat = await pull(await flatten(`${repository}:v1`));
  assertEquals((await flat.layers()).length, 1);
  assertEquals(await filesOf(extract(flat)), { b: "2" });
}
