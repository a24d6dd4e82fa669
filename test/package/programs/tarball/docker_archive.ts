import { assertEquals } from "@std/assert";
import { randomImage, validateImage } from "@gcrane/gcrane/image";
import { tarballBytes, tarballImages, writeTarball } from "@gcrane/gcrane/tarball";

/** Writes several images into an archive as docker does, and reads it from a Blob. */
export default async function (): Promise<void> {
  const images = [1, 2].map((seed) => randomImage({ seed, layers: 2, size: 20_000 }));
  const entries = images.map((image, at) => ({ image, reference: `example.com/app:v${at + 1}` }));
  const saved = await tarballImages(tarballBytes(await new Response(writeTarball(entries)).blob()));
  assertEquals(saved.map(({ repoTags }) => repoTags), [["example.com/app:v1"], ["example.com/app:v2"]]);
  for (const [at, { image }] of saved.entries()) {
    await validateImage(image);
    assertEquals(await image.configName(), await images[at].configName());
  }
}
