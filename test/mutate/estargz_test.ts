import { assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { ESTARGZ_TOC_DIGEST } from "../../src/image/internal.ts";
import { emptyImage, type Image, imageFromCompressed, layerFromBytes, validateImage } from "../../src/image/mod.ts";
import { appendLayers, canonical, changeImage, extract, flattenImage, recompress, time } from "../../src/mutate/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { readTar } from "../../src/tar/mod.ts";
import { readEstargz } from "../make/estargz_reader.ts";
import { tarOf } from "../make/memory_source.ts";
import { collect } from "../make/streams.ts";
import { baseImage, DOCKER, sentManifest } from "./edit_bases.ts";

const ETC = await tarOf({ "etc/motd": "hello\n", "etc/hosts": "127.0.0.1 localhost\n" });

/** Reads each layer by the specification, and compares it with the manifest. @returns the files of the layers */
async function filesOf(image: Image): Promise<string[][]> {
  const { layers } = await sentManifest(image);
  return await Promise.all((await image.layers()).map(async (layer, i) => {
    const { tocDigest, files } = readEstargz(await collect(await layer.compressed()));
    assertEquals(layers[i].annotations?.[ESTARGZ_TOC_DIGEST], tocDigest);
    return [...files.keys()];
  }));
}

describe("eStargz layers of images", () => {
  it("are appended, and say so in the manifest", async () => {
    for (const mediaType of [MediaType.OciManifest, DOCKER]) {
      const layer = await layerFromBytes(ETC, { estargz: true });
      const image = appendLayers(emptyImage({ mediaType }), [layer]);
      assertEquals(await filesOf(image), [[".no.prefetch.landmark", "etc/motd", "etc/hosts"]]);
      assertEquals((await image.configFile()).rootfs.diff_ids, [await layer.diffId()]);
      await validateImage(image);
      const annotated = appendLayers(emptyImage({ mediaType }), [{ layer, annotations: { of: "the layer" } }]);
      await filesOf(annotated);
      assertEquals((await annotated.manifest()).layers[0].annotations?.of, "the layer");
    }
  });

  it("are made of layers that were stored in another way", async () => {
    for (const compression of ["none", "gzip", "zstd"] as const) {
      const { base } = await baseImage({ layers: [ETC], compression });
      const image = recompress(base, "gzip", { estargz: true });
      assertEquals(await filesOf(image), [[".no.prefetch.landmark", "etc/motd", "etc/hosts"]]);
      const { rootfs } = await image.configFile();
      assertNotEquals(rootfs.diff_ids, (await base.configFile()).rootfs.diff_ids);
      await validateImage(image);
    }
    const { base } = await baseImage({ layers: [ETC] });
    await assertRejects(() => recompress(base, "zstd", { estargz: true }).digest(), TypeError, "eStargz layer is gzip");
  });

  it("stay when they are that already, unless they are to be reproducible", async () => {
    const made = recompress((await baseImage({ layers: [ETC] })).base, "gzip", { estargz: true, reproducible: true });
    const [manifest, config] = [await made.rawManifest(), await made.rawConfigFile()];
    const [layer] = await made.layers();
    const stored = imageFromCompressed({
      rawManifest: () => Promise.resolve(manifest),
      blob: ({ mediaType }) => ({
        compressed: async () =>
          mediaType === MediaType.OciConfig ? new Response(config).body! as never : await layer.compressed(),
      }),
    });
    const same = recompress(stored, "gzip", { estargz: true });
    assertStrictEquals((await same.layers())[0], (await stored.layers())[0]);
    assertEquals(await same.digest(), await stored.digest());
    const anew = recompress(stored, "gzip", { estargz: true, reproducible: true });
    assertNotEquals((await anew.layers())[0], (await stored.layers())[0]);
    assertEquals(await anew.digest(), await stored.digest());
  });

  it("lose what they were in another compression, but not their other annotations", async () => {
    const { base } = await baseImage({
      layers: [ETC],
      manifest: (json) => json.layers[0].annotations = { of: "the layer", [ESTARGZ_TOC_DIGEST]: "another" },
    });
    const image = changeImage(recompress(base, "none"), { labels: { a: "b" } });
    const back = recompress(image, "gzip", { estargz: true });
    const { annotations } = (await sentManifest(back)).layers[0];
    assertEquals(annotations?.of, "the layer");
    await filesOf(back);
  });

  it("are what an image is flattened to, or written anew as", async () => {
    const { base } = await baseImage({ layers: [ETC, await tarOf({ "etc/.wh.hosts": "", added: "" })] });
    const flat = flattenImage(base, { estargz: true });
    assertEquals(await filesOf(flat), [[".no.prefetch.landmark", "added", "etc/motd"]]);
    await validateImage(flat);
    const names: string[] = [];
    for await (const { path } of readTar(extract(flat))) names.push(path);
    assertEquals(names, [".no.prefetch.landmark", "added", "etc/motd", "stargz.index.json"]);
    const dated = time(base, new Date(86_400_000), { estargz: true });
    assertEquals((await filesOf(dated))[0], [".no.prefetch.landmark", "etc/motd", "etc/hosts"]);
    const [layer] = await dated.layers();
    const { entries } = readEstargz(await collect(await layer.compressed()));
    assertEquals(entries[1].modtime, "1970-01-02T00:00:00Z");
  });
});

describe("reproducible layers of images", () => {
  it("are made by canonical, recompress, time and flatten", async () => {
    const { base } = await baseImage({ layers: [ETC] });
    const first = async (image: Image) => await collect(await (await image.layers())[0].compressed());
    const expected = await collect(await (await layerFromBytes(ETC, { reproducible: true })).compressed());
    assertEquals(new Uint8Array(gunzipSync(expected)), ETC);
    const options = { reproducible: true };
    assertEquals(await first(recompress(base, "gzip", options)), expected);
    assertEquals(await first(time(base, new Date(0), options)), expected);
    assertEquals(await first(canonical(base, options)), expected);
    const files = await layerFromBytes(await collect(extract(base)), options);
    assertEquals(await first(flattenImage(base, options)), await collect(await files.compressed()));
    assertNotEquals(await first(flattenImage(base)), await first(flattenImage(base, options)));
    await validateImage(canonical(base, options));
  });

  it("can't be zstd", async () => {
    const { base } = await baseImage({ layers: [ETC] });
    const image = recompress(base, "zstd", { reproducible: true });
    await assertRejects(() => image.digest(), TypeError, "zstd is not reproducible");
  });
});
