import { assert, assertEquals } from "@std/assert";
import { copy, digest, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import { openImage, parseSource } from "@gcrane/gcrane/source";
import { tarballBytes, writeTarball } from "@gcrane/gcrane/tarball";
import type { World } from "../world.ts";

/** Opens an image from a registry, from an archive and from memory in the same way. */
export default async function ({ repository }: World): Promise<void> {
  assertEquals(parseSource("oci:./app"), { kind: "path", text: "./app", format: "oci" });
  const image = randomImage({ seed: 1 });
  await push(image, `${repository}:v1`);
  const archive = tarballBytes(await new Response(writeTarball([{ image }])).blob());
  for (const source of [`${repository}:v1`, archive, image]) {
    assertEquals(await (await openImage(source)).configName(), await image.configName());
  }
  await copy(archive, `${repository}:copy`);
  assert((await digest(`${repository}:copy`)).startsWith("sha256:"));
}
