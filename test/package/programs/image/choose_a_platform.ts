import { assertEquals } from "@std/assert";
import { pull, push } from "@gcrane/gcrane/crane";
import { findManifests, matchPlatforms, randomIndex, selectImage } from "@gcrane/gcrane/image";
import { Puller } from "@gcrane/gcrane/remote";
import type { World } from "../world.ts";

/** Chooses the image for a platform. */
export default async function ({ repository }: World): Promise<void> {
  const index = randomIndex({ seed: 1, platforms: ["linux/amd64", "linux/arm/v7"] });
  await push(index, `${repository}:v1`);
  const pulled = await new Puller().index(`${repository}:v1`);
  const [{ digest }] = await findManifests(pulled, matchPlatforms("linux/arm/v7"));
  assertEquals(await (await selectImage(pulled, "linux/arm/v7")).digest(), digest);
  assertEquals((await (await pull(`${repository}:v1`, { platform: "linux/arm/v7" })).configFile()).variant, "v7");
}
