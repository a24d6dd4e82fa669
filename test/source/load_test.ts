import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { NotFoundError, TarballError } from "../../src/errors.ts";
import { emptyIndex, type Image, type ImageIndex, randomImage } from "../../src/image/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import { load, type LoadOptions } from "../../src/source/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { tarballBytes, type TarballSource } from "../../src/tarball/mod.ts";
import { readTar, type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { ociArchive } from "../make/oci_archives.ts";
import { manifestJson } from "../make/saved_tarballs.ts";
import { collect, streamOf } from "../make/streams.ts";

const PLATFORMS = ["linux/amd64", "linux/arm64"];

/** What `docker save` of the containerd store writes: an index of all platforms, blobs of those that are there. */
async function savedBy(
  engine: { index: ImageIndex | Image; image: Image },
  change?: (blobs: Map<Hash, unknown>) => void,
): Promise<TarballSource> {
  const layout = await ociArchive(engine.index, { change });
  const { config, layers } = await engine.image.manifest();
  const file = ({ digest }: { digest: string }) => `blobs/${digest.replace(":", "/")}`;
  async function* both(): AsyncGenerator<TarWriteEntry> {
    yield* readTar(streamOf(layout));
    yield manifestJson({ Config: file(config), RepoTags: ["example.com/a:v1"], Layers: layers.map(file) });
  }
  return tarballBytes(await collect(writeTar(both())), "saved.tar");
}

const [amd64, arm64] = PLATFORMS.map((platform) => randomImage({ platform, size: 100 }));
const index = appendManifests(emptyIndex(), [amd64, arm64]);
const without = async (image: Image) => {
  const { config, layers } = await image.manifest();
  const gone = [await image.digest(), config.digest, ...layers.map(({ digest }) => digest)];
  return (blobs: Map<Hash, unknown>) => gone.forEach((digest) => blobs.delete(digest));
};

describe("load of a tarball with an index beside its manifest.json", () => {
  for (const named of [{}, { tag: "example.com/a:v1" }] satisfies LoadOptions[]) {
    const tag = "tag" in named ? ", by its name" : "";

    it(`takes the index where all of it is in the file${tag}`, async () => {
      const source = await savedBy({ index, image: amd64 });
      assertEquals(await (await load(source, named)).digest(), await index.digest());
      for (const [platform, image] of [[PLATFORMS[0], amd64], [PLATFORMS[1], arm64]] as const) {
        assertEquals(await (await load(source, { ...named, platform })).digest(), await image.digest());
      }
      const some = await load(source, { ...named, platforms: ["linux/arm64", "linux/amd64"] });
      assertEquals((await (some as ImageIndex).manifest()).manifests.length, 2);
      await assertRejects(() => load(source, { ...named, platform: "linux/s390x" }), NotFoundError, "linux/arm64");
    });

    it(`takes manifest.json where the index has more than the file${tag}`, async () => {
      const source = await savedBy({ index, image: amd64 }, await without(arm64));
      const view = await load(source, named);
      assertEquals(view.kind === "image" && await view.configName(), await amd64.configName());
      assertEquals(await (await load(source, { ...named, platform: "linux/amd64" })).digest(), await amd64.digest());
      for (const asked of [{ platform: "linux/arm64" }, { platforms: PLATFORMS }]) {
        await assertRejects(
          () => load(source, { ...named, ...asked }),
          TarballError,
          `but does not hold its ${await arm64.digest()}`,
        );
      }
    });
  }

  it("takes manifest.json where the index itself, or a layer, is missing, and where the layout lists an image", async () => {
    const layer = (await arm64.manifest()).layers[1].digest;
    for (const gone of [await index.digest(), layer]) {
      const view = await load(await savedBy({ index, image: amd64 }, (blobs) => blobs.delete(gone)));
      assertEquals(view.kind === "image" && await view.configName(), await amd64.configName());
    }
    const source = await savedBy({ index: amd64, image: amd64 });
    assertEquals(
      (await (await load(source)).manifest()).mediaType,
      "application/vnd.docker.distribution.manifest.v2+json",
    );
  });
});
