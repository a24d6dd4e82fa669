import { assert, assertEquals } from "@std/assert";
import { push, streamTarball } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { load } from "@gcrane/gcrane/source";
import { tarballBytes } from "@gcrane/gcrane/tarball";
import type { World } from "../world.ts";

/** Saves an image as docker does, into a stream, and opens it again. */
export default async function ({ repository }: World): Promise<void> {
  const image = randomImage({ seed: 1, size: 100_000 });
  await push(image, `${repository}:v1`);
  const archive = await new Response(await streamTarball([`${repository}:v1`])).blob();
  const loaded = await load(tarballBytes(archive));
  assert(loaded.kind === "image");
  assertEquals(await loaded.rawConfigFile(), await image.rawConfigFile());
}
