import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { setTimeout } from "node:timers/promises";
import { type Layer, validateImage } from "../../src/image/mod.ts";
import { concat } from "../../src/runtime/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { imageFromTarball, tarballBytes, writeTarball } from "../../src/tarball/mod.ts";
import { imageOf, randomLayer } from "../make/images.ts";

const MIB = 1024 * 1024;

/** Waits until a number stays as it is. */
async function settled(count: () => number): Promise<number> {
  for (let before = -1, quiet = 0; quiet < 20;) {
    quiet = count() === before ? quiet + 1 : 0;
    before = count();
    await setTimeout(5);
  }
  return count();
}

describe("an archive whose reader is slow", () => {
  for (const jobs of [1, 16]) {
    it(`is read ahead by a bounded number of bytes with ${jobs} jobs`, { timeout: 60_000 }, async () => {
      let opened = 0;
      const onOpen: NonNullable<Parameters<typeof randomLayer>[1]>["onOpen"] = (stream) => (opened++, stream);
      const layers: Layer[] = [];
      for (let index = 0; index < 9; index++) layers.push(await randomLayer(3 * MIB, { onOpen }));
      const image = imageOf(layers);
      const reader = writeTarball([{ image }], { concurrency: jobs }).getReader();
      const chunks: Bytes[] = [(await reader.read()).value!];
      // Five of these lie in 16 MiB; one more may have been opened in its turn.
      const ahead = await settled(() => opened);
      assert(ahead >= 1 && ahead <= 6, `${ahead} layers were opened`);
      for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
      assertEquals(opened, layers.length);
      await validateImage(await imageFromTarball(tarballBytes(concat(chunks))));
    });
  }
});
