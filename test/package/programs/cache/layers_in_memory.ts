import { assertEquals } from "@std/assert";
import { cachedImage, type LayerCache } from "@gcrane/gcrane/cache";
import { pull, push } from "@gcrane/gcrane/crane";
import { type Layer, randomImage } from "@gcrane/gcrane/image";
import type { ByteStream } from "@gcrane/gcrane/tar";
import { bytesOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Keeps layers in a cache of its own. */
export default async function ({ repository }: World): Promise<void> {
  const kept = new Map<string, Promise<Blob>>();
  let hits = 0;
  const cache: LayerCache = {
    async open(digest) {
      const blob = await kept.get(digest);
      if (blob !== undefined) hits++;
      return blob?.stream() as ByteStream | undefined;
    },
    store(digest, source) {
      const [one, other] = source.tee();
      kept.set(digest, new Response(other).blob());
      return one;
    },
    remove: (digest) => Promise.resolve(void kept.delete(digest)),
  };
  await push(randomImage({ seed: 1, layers: 1, size: 100_000 }), `${repository}:v1`);
  const image = cachedImage(await pull(`${repository}:v1`), cache);
  const read = async (layer: Layer) => await bytesOf(await layer.compressed());
  const [layer] = await image.layers();
  const first = await read(layer);
  assertEquals([hits, kept.size], [0, 1]);
  assertEquals(await read(layer), first);
  assertEquals(hits, 1);
}
