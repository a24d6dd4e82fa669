import { assertEquals } from "@std/assert";
import { list, push } from "@gcrane/gcrane/crane";
import { copyRecursively } from "@gcrane/gcrane/gcr";
import { randomImage, randomIndex } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Copies a repository and those below it. */
export default async function ({ repository }: World): Promise<void> {
  const [source, target] = [`${repository}/source`, `${repository}/target`];
  await push(randomImage({ seed: 1 }), `${source}:v1`);
  await push(randomIndex({ seed: 2, images: 2 }), `${source}/web:v2`);
  const { repositories, tags, failures } = await copyRecursively(source, target);
  assertEquals([repositories, tags, failures], [2, 2, []]);
  assertEquals(await Array.fromAsync(list(`${target}/web`)), ["v2"]);
}
