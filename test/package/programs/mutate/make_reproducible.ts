import { assertEquals } from "@std/assert";
import { emptyImage, layerFromBytes } from "@gcrane/gcrane/image";
import { appendLayers, canonical, changeImage } from "@gcrane/gcrane/mutate";
import { writeTar } from "@gcrane/gcrane/tar";
import { bytesOf, encode } from "../contents.ts";

/** Gives two builds of the same files the same digest. */
export default async function (): Promise<void> {
  const digests: string[] = [];
  for (const mtime of [1_700_000_000, 1_800_000_000]) {
    const tar = await bytesOf(writeTar([{ path: "app", content: encode("app"), mtime }]));
    const image = changeImage(appendLayers(emptyImage(), [await layerFromBytes(tar)]), {
      created: new Date(mtime * 1000),
    });
    digests.push(await canonical(image).digest());
  }
  // The digest is the same on all runtimes.
  assertEquals(digests, [digests[0], digests[0]]);
}
