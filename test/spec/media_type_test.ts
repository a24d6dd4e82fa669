import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import {
  isConfig,
  isDistributable,
  isImage,
  isIndex,
  isLayer,
  isSchema1,
  layerMediaType,
  manifestKind,
  MediaType,
} from "../../src/spec/mod.ts";

type Name = keyof typeof MediaType;

/** The names of the media types of which a predicate holds. */
function namesWhere(predicate: (mediaType: string) => boolean): Name[] {
  return (Object.keys(MediaType) as Name[]).filter((name) => predicate(MediaType[name]));
}

describe("media types", () => {
  it("tells indexes, images, configs and layers apart", () => {
    assertEquals(namesWhere(isIndex), ["OciImageIndex", "DockerManifestList"]);
    assertEquals(namesWhere(isImage), ["OciManifest", "DockerManifestSchema2"]);
    assertEquals(namesWhere(isSchema1), ["DockerManifestSchema1", "DockerManifestSchema1Signed"]);
    assertEquals(namesWhere(isConfig), ["OciConfig", "DockerConfigJson"]);
    assertEquals(namesWhere(isLayer), [
      "OciLayer",
      "OciLayerGzip",
      "OciLayerZstd",
      "OciRestrictedLayer",
      "OciRestrictedLayerGzip",
      "OciRestrictedLayerZstd",
      "DockerLayer",
      "DockerForeignLayer",
      "DockerUncompressedLayer",
      "DockerLayerZstd",
    ]);
    assertEquals(namesWhere((type) => !isDistributable(type)), [
      "OciRestrictedLayer",
      "OciRestrictedLayerGzip",
      "OciRestrictedLayerZstd",
      "DockerForeignLayer",
    ]);
  });

  it("takes a missing media type for none of them", () => {
    for (const predicate of [isIndex, isImage, isSchema1, isConfig, isLayer]) assertEquals(predicate(undefined), false);
    assertEquals(isDistributable(undefined), true);
  });

  it("knows which view a manifest gets", () => {
    assertEquals(manifestKind(MediaType.OciManifest), "image");
    assertEquals(manifestKind(MediaType.DockerManifestList), "index");
    assertEquals(manifestKind(MediaType.DockerManifestSchema1), "other");
    assertEquals(manifestKind("application/json"), "other");
  });

  it("chooses the layer's type by the family of the manifest", () => {
    assertEquals(layerMediaType(MediaType.OciManifest, "none"), MediaType.OciLayer);
    assertEquals(layerMediaType(MediaType.OciManifest, "gzip"), MediaType.OciLayerGzip);
    assertEquals(layerMediaType(MediaType.OciManifest, "zstd"), MediaType.OciLayerZstd);
    assertEquals(layerMediaType(MediaType.DockerManifestSchema2, "none"), MediaType.DockerUncompressedLayer);
    assertEquals(layerMediaType(MediaType.DockerManifestSchema2, "gzip"), MediaType.DockerLayer);
    assertEquals(layerMediaType(MediaType.DockerManifestSchema2, "zstd"), MediaType.DockerLayerZstd);
  });
});
