import { assertEquals } from "@std/assert";
import { matchName, randomImage } from "@gcrane/gcrane/image";
import { createLayout } from "@gcrane/gcrane/layout";
import type { World } from "../world.ts";

export const needs = "files";

/** Replaces an image of a layout, and removes what the old one left. */
export default async function ({ path }: World): Promise<void> {
  const layout = await createLayout(path);
  const old = await layout.appendImage(randomImage({ seed: 1, layers: 1 }), { refName: "v1" });
  await layout.replaceImage(randomImage({ seed: 2, layers: 1 }), matchName("v1"), { refName: "v1" });
  const { removed } = await layout.garbageCollect();
  assertEquals([removed.length, removed.includes(old.digest)], [3, true]);
  assertEquals(await layout.hasBlob(old.digest), false);
}
