import { assertEquals } from "@std/assert";
import { cachedImage, fileCache } from "@gcrane/gcrane/cache";
import { pull, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { bytesOf } from "../contents.ts";
import type { World } from "../world.ts";

export const needs = "files";

/** Keeps the layers of a registry in a folder. */
export default async function ({ repository, path }: World): Promise<void> {
  await push(randomImage({ seed: 1, layers: 1 }), `${repository}:v1`);
  const cache = fileCache(path);
  const [layer] = await cachedImage(await pull(`${repository}:v1`), cache).layers();
  const bytes = await bytesOf(await layer.compressed());
  const kept = await cache.open(await layer.digest());
  assertEquals(await bytesOf(kept!), bytes);
}
