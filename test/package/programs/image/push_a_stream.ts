import { assertEquals } from "@std/assert";
import { push, validate } from "@gcrane/gcrane/crane";
import { emptyImage, streamLayer } from "@gcrane/gcrane/image";
import { appendLayers } from "@gcrane/gcrane/mutate";
import { writeTar } from "@gcrane/gcrane/tar";
import type { World } from "../world.ts";

/** Pushes a layer that is compressed and hashed while it is sent. */
export default async function ({ repository }: World): Promise<void> {
  const layer = streamLayer(writeTar([{ path: "zeros", content: new Uint8Array(3_000_000) }]));
  const image = appendLayers(emptyImage(), [layer]);
  const pushed = await push(image, `${repository}:v1`);
  assertEquals(pushed, `${repository}@${await image.digest()}`);
  await validate(pushed);
}
