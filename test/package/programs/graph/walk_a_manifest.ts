import { assertEquals } from "@std/assert";
import { pull, push } from "@gcrane/gcrane/crane";
import { successors } from "@gcrane/gcrane/graph";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Finds what a manifest leads to. */
export default async function ({ repository }: World): Promise<void> {
  await push(randomImage({ seed: 1, layers: 2 }), `${repository}:v1`);
  const image = await pull(`${repository}:v1`);
  const { kind, config, blobs } = successors(await image.rawManifest(), await image.mediaType());
  const digests = await Promise.all((await image.layers()).map((layer) => layer.digest()));
  assertEquals([kind, config?.digest, blobs.map(({ digest }) => digest)], ["image", await image.configName(), digests]);
}
