import { assertEquals } from "@std/assert";
import { digestBytes, digestStream, randomLayer, uncompressedSize } from "@gcrane/gcrane/image";
import { bytesOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Finds digest and size of a layer's tar. */
export default async function (_world: World): Promise<void> {
  const layer = randomLayer({ seed: 1, size: 100_000, compression: "gzip" });
  const bytes = await bytesOf(await layer.uncompressed());
  const { digest, size } = await digestStream(await layer.uncompressed());
  assertEquals([digest, size], [await layer.diffId(), bytes.length]);
  assertEquals([await digestBytes(bytes), await uncompressedSize(layer)], [digest, size]);
}
