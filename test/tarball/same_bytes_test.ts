import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { imageFromUncompressed, layerFromUncompressed } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { type TarballEntry, type TarballFormat, writeTarball, writeTarballFile } from "../../src/tarball/mod.ts";
import { collect, inChunks } from "../make/streams.ts";
import { imageOf, tarOf, testLayer } from "../make/images.ts";
import { inFolder, leavingNothing } from "../make/folders.ts";

/** A layer that is stored as it is, so that no compressor has a say in the bytes of the archive. */
const plain = async (text: string | Bytes, mediaType: string = MediaType.OciLayer) =>
  await testLayer(await tarOf("file", text), { compression: "none", mediaType });

/** Larger than what is read ahead of its turn. */
const large = async (fill: number) => await plain(new Uint8Array(5_000_000).fill(fill));

const unread = async (text: string) => {
  const tar = await tarOf("file", text);
  return layerFromUncompressed({ uncompressed: () => Promise.resolve(inChunks(tar)), compression: "none" });
};

/** Images, and the digests of the archives that hold them. */
const CASES: Record<string, { entries: () => Promise<TarballEntry[]> } & Partial<Record<TarballFormat, string>>> = {
  "a layer that occurs several times": {
    entries: async () => {
      const [one, two] = [await plain("one"), await plain("two")];
      return [{ image: imageOf([one, two, one, one, two]), reference: "example.com/a:v1" }];
    },
    docker: "sha256:831378b8adaf904fccd60bcc7a40062daa3efe152294b32584ece660f12f1832",
    legacy: "sha256:b992e9fc13b621319e9f98939aa6544ca4d166f26f3e21a45da15c260c30e67f",
  },
  "several images, what they share, and names that are joined": {
    entries: async () => {
      const shared = await plain("shared");
      const first = imageOf([shared, await plain("one")]);
      const second = imageOf([await plain("two"), shared]);
      return [
        { image: first, reference: "a:1" },
        { image: second },
        { image: first, reference: "b" },
        { image: first, reference: "a:1" },
        { image: imageOf([]), reference: "empty:1" },
      ];
    },
    docker: "sha256:739b9e598df85c62f0a714db23846d60e8929a99800e8b46c71dfa2a86d970bc",
    legacy: "sha256:66190ca5737b5fc29595099c7e331629b7cba7392d04d95c334263cf5f24db7c",
  },
  "a layer that is not distributed": {
    entries: async () => {
      const foreign = await testLayer(await tarOf("file", "foreign"), {
        compression: "none",
        mediaType: MediaType.DockerForeignLayer,
        urls: ["https://example.com/layer"],
      });
      return [{ image: imageOf([foreign, await plain("own")]) }];
    },
    docker: "sha256:838616ad6972fb6a9b4d4b65060ffc303651005f6a6aab5e66e56d2cfce574f7",
    legacy: "sha256:5807532fc325c9bfd050fb4ffa264209db8ba7fd13db3559766b893aa7983657",
  },
  "layers whose digests are not known": {
    entries: async () => {
      const layer = await unread("unread");
      return [{ image: imageOf([await plain("one"), layer, layer]) }, { image: imageOf([layer]) }];
    },
    docker: "sha256:870bceb0df328fa337ed3fc368dc42d76ea7656b2dc72854912218c98b3eb6a6",
    legacy: "sha256:7c98ebfa1c33c7139a0dd0d64105b62c57c38985f4818e0fda19b59967faddd8",
  },
  "one blob under two media types": {
    entries: async () => {
      const layers = [await plain("one"), await plain("one", MediaType.DockerLayer), await plain("two")];
      return [{ image: imageOf(layers) }];
    },
    docker: "sha256:d694b018c30316e051ee9957938fc165280a040a6c3c5153f991751db3892993",
    legacy: "sha256:a0ca7f857b1bd5144fdf3dc9ebfaa176109ed82a832d829a4fa0e5b75349fd67",
  },
  "a layer that is the config": {
    entries: async () => {
      const config = await imageOf([]).rawConfigFile();
      const layer = await testLayer(config, { compression: "none", mediaType: "application/vnd.example" });
      return [{
        image: imageFromUncompressed({
          rawConfigFile: () => Promise.resolve(config),
          layers: () => Promise.resolve([layer]),
        }),
      }];
    },
    docker: "sha256:9add71d2bc2dcfd2855486067e9f862f402714d85f8f2c673c7a88d2fd23e7b0",
  },
  "large layers, each several times": {
    entries: async () => {
      const [one, two, small] = [await large(1), await large(2), await plain("small")];
      return [{ image: imageOf([one, one, small, two, one, small]) }, { image: imageOf([two, one]) }];
    },
    docker: "sha256:8048b450ff72041c226d404175cfc1e25c6518cf5f82e96178e48e644210c45f",
    legacy: "sha256:83a78bd5290f299b825e974d9658e59b8647bbf8171e426aa73f627a0ee62c4f",
  },
};

describe("a tarball has the same bytes as ever", () => {
  for (const [name, { entries, ...digests }] of Object.entries(CASES)) {
    for (const format of ["docker", "legacy"] as const) {
      if (digests[format] === undefined) continue;
      it(`with ${name}, as ${format}`, { timeout: 60_000 }, () =>
        inFolder(async (folder) => {
          await leavingNothing(async () => {
            const stream = writeTarball(await entries(), { format });
            assertEquals(await digestBytes(await collect(stream)), digests[format]);
            for (const concurrency of [1, 16]) {
              const path = join(folder, `${concurrency}.tar`);
              await writeTarballFile(path, await entries(), { format, concurrency });
              assertEquals(await digestBytes(new Uint8Array(readFileSync(path))), digests[format]);
            }
          });
        }));
    }
  }
});
