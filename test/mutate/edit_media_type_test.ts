import { describe, it } from "node:test";
import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { emptyImage, layerFromBytes, validateImage } from "../../src/image/mod.ts";
import { appendLayers, changeImage, editImage } from "../../src/mutate/mod.ts";
import { layerMediaType, MediaType } from "../../src/spec/mod.ts";
import { tarOf } from "../make/memory_source.ts";
import { asDocker, baseImage, DOCKER, OCI, sentManifest } from "./edit_bases.ts";

const TAR = await tarOf({ added: "1" });
const KINDS = ["none", "gzip", "zstd"] as const;

describe("the media type of an image", () => {
  it("takes the types of config and layers with it, in both directions", async () => {
    const oci = appendLayers(
      emptyImage(),
      await Promise.all(KINDS.map((compression) => layerFromBytes(TAR, { compression }))),
    );
    const docker = changeImage(oci, { mediaType: DOCKER });
    const manifest = await sentManifest(docker);
    assertEquals(manifest.mediaType, DOCKER);
    assertEquals(manifest.config.mediaType, MediaType.DockerConfigJson);
    assertEquals(manifest.layers.map(({ mediaType }) => mediaType), KINDS.map((kind) => layerMediaType(DOCKER, kind)));
    assertEquals(await docker.rawConfigFile(), await oci.rawConfigFile());
    await validateImage(docker);

    const back = changeImage(docker, { mediaType: OCI });
    assertEquals(await back.rawManifest(), await oci.rawManifest());
    assertEquals(await changeImage(docker, { mediaType: DOCKER }).digest(), await docker.digest());
  });

  it("is told to layers that may not be pushed where there is a word for them; others stay", async () => {
    const types = [
      [MediaType.OciRestrictedLayerGzip, MediaType.DockerForeignLayer],
      [MediaType.OciRestrictedLayer, MediaType.OciRestrictedLayer],
      [MediaType.OciRestrictedLayerZstd, MediaType.OciRestrictedLayerZstd],
      ["application/x-own", "application/x-own"],
    ];
    const { base } = await baseImage({
      layers: types.map(() => TAR),
      manifest: (json) => types.forEach(([mediaType], i) => json.layers[i].mediaType = mediaType),
    });
    const docker = await sentManifest(changeImage(base, { mediaType: DOCKER }));
    assertEquals(docker.layers.map(({ mediaType }) => mediaType), types.map(([, type]) => type));
    const back = await sentManifest(changeImage(changeImage(base, { mediaType: DOCKER }), { mediaType: OCI }));
    assertEquals(back.layers.map(({ mediaType }) => mediaType), types.map(([type]) => type));
  });

  it("that nobody changes leaves layers of the other family alone, but new ones get its own", async () => {
    const { base } = await baseImage({ manifest: (json) => json.layers[0].mediaType = MediaType.DockerLayer });
    const added = await layerFromBytes(TAR, { mediaType: MediaType.DockerLayer });
    const image = editImage(base, { layers: (layers) => [...layers, added] });
    assertEquals((await sentManifest(image)).layers.map(({ mediaType }) => mediaType), [
      MediaType.DockerLayer,
      MediaType.OciLayerGzip,
      MediaType.OciLayerGzip,
    ]);
    assertStrictEquals((await image.layers())[0], (await base.layers())[0]);
    await validateImage(image);
  });

  it("leaves a Docker image one when something else is edited", async () => {
    const { base } = await baseImage({ manifest: asDocker });
    const image = changeImage(base, { labels: { a: "b" } });
    const { mediaType, config, layers } = await sentManifest(image);
    assertEquals([mediaType, config.mediaType], [DOCKER, MediaType.DockerConfigJson]);
    assertEquals(layers, (await base.manifest()).layers);
    assertNotEquals(await image.digest(), await base.digest());
    await validateImage(image);
  });
});
