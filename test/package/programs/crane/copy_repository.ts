import { assertEquals } from "@std/assert";
import { copyRepository, list, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Copies all tags of a repository. */
export default async function ({ repository }: World): Promise<void> {
  for (const seed of [1, 2, 3]) await push(randomImage({ seed }), `${repository}:v${seed}`);
  await copyRepository(repository, `${repository}/copy`);
  assertEquals(await Array.fromAsync(list(`${repository}/copy`)), ["v1", "v2", "v3"]);
}
