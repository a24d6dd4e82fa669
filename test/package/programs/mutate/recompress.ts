import { assertEquals } from "@std/assert";
import { extract, pull, push } from "@gcrane/gcrane/crane";
import { recompress } from "@gcrane/gcrane/mutate";
import { filesOf, imageOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Stores the layers of an image without compression, and as eStargz. */
export default async function ({ repository }: World): Promise<void> {
  const image = await imageOf({ "etc/motd": "hello" });
  await push(recompress(image, "none"), `${repository}:tar`);
  await push(recompress(image, "gzip", { estargz: true }), `${repository}:estargz`);
  for (const tag of ["tar", "estargz"]) {
    const pulled = await pull(`${repository}:${tag}`);
    assertEquals((await filesOf(extract(pulled)))["etc/motd"], "hello");
    const [{ mediaType, annotations = {} }] = (await pulled.manifest()).layers;
    assertEquals(mediaType.endsWith("gzip"), tag === "estargz");
    assertEquals("containerd.io/snapshot/stargz/toc.digest" in annotations, tag === "estargz");
  }
}
