import { assertEquals } from "@std/assert";
import { push, saveLayout, validate } from "@gcrane/gcrane/crane";
import { randomIndex } from "@gcrane/gcrane/image";
import { openLayout } from "@gcrane/gcrane/layout";
import type { World } from "../world.ts";

export const needs = "files";

/** Pulls an index into a layout, and pushes it from there. */
export default async function ({ repository, path }: World): Promise<void> {
  const index = randomIndex({ seed: 1, images: 2 });
  await push(index, `${repository}:v1`);
  await saveLayout([`${repository}:v1`], path);
  const [{ digest }] = (await (await openLayout(path)).index().manifest()).manifests;
  assertEquals(digest, await index.digest());
  await validate({ kind: "path", path });
}
