import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync, utimesSync } from "node:fs";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ESTARGZ_TOC_DIGEST } from "../../../src/image/internal.ts";
import { randomIndex } from "../../../src/image/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { readEstargz } from "../../make/estargz_reader.ts";
import { tarOf } from "../../make/memory_source.ts";
import { collect } from "../../make/streams.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const [base, site] = ["registry.example.com/base:v1", "registry.example.com/site:v1"];
const ESTARGZ = { environment: { GGCR_EXPERIMENT_ESTARGZ: "1" } };

/**
 * Returns the names of the files of the top layer, which must be an eStargz; `undefined` if it is not marked as one.
 */
async function topFiles(world: World, reference = site): Promise<string[] | undefined> {
  const image = await new Puller({ fetch: world.fetch }).image(parseReference(reference));
  const top = (await image.layers()).at(-1)!;
  const { annotations = {} } = (await image.manifest()).layers.at(-1)!;
  if (!(ESTARGZ_TOC_DIGEST in annotations)) return undefined;
  const { tocDigest, files } = readEstargz(await collect(await top.compressed()));
  assertEquals(annotations[ESTARGZ_TOC_DIGEST], tocDigest);
  assertEquals(await world.data(`validate ${reference}`), `PASS: ${reference}\n`);
  return [...files.keys()].filter((name) => name !== ".no.prefetch.landmark");
}

describe("--compression estargz, and GGCR_EXPERIMENT_ESTARGZ=1", () => {
  it("append eStargz layers, of compressed tarballs too", () =>
    inWorld(async (world) => {
      const tar = await tarOf({ "etc/motd": "hello\n" });
      const [plain, packed] = [world.write("layer.tar", tar), world.write("layer.tar.gz", gzipSync(tar))];
      for (const path of [plain, packed]) {
        await world.data(`append -f ${path} --compression estargz -t ${site}`);
        const asked = await world.data(`digest ${site}`);
        assertEquals(await topFiles(world), ["etc/motd"]);
        await world.data(`append -f ${path} -t ${site}`, ESTARGZ);
        assertEquals(await world.data(`digest ${site}`), asked);
      }
      await world.data("append -f - -t " + site, { ...ESTARGZ, stdin: tar });
      assertEquals(await topFiles(world), ["etc/motd"]);
      for (const [line, options] of [["", {}], [" --compression zstd", ESTARGZ]] as const) {
        await world.data(`append -f ${plain}${line} -t ${site}`, options);
        assertEquals(await topFiles(world), undefined, line);
      }
      await world.data(`append -f ${plain} -t ${site}`, { environment: { GGCR_EXPERIMENT_ESTARGZ: "0" } });
      assertEquals(await topFiles(world), undefined);
    }));

  it("flatten to one, and put one on top of every image", () =>
    inWorld(async (world) => {
      const file = world.write("layer.tar", await tarOf({ added: "1" }));
      await world.push(randomIndex({ images: 2, layers: 2, seed: 1 }), base);
      const pushed = await world.data(`mutate ${base} --append ${file} -t ${site}`, ESTARGZ);
      assertStringIncludes(pushed, "registry.example.com/site@sha256:");
      const { manifests } = JSON.parse(await world.data(`manifest ${site}`));
      for (const { digest } of manifests) {
        assertEquals(await topFiles(world, `registry.example.com/site@${digest}`), ["added"]);
      }
      const flat = (await world.unmoved(`flatten ${site} --platform all --compression estargz`)).trim();
      const [{ digest }] = JSON.parse(await world.data(`manifest ${flat}`)).manifests;
      assertEquals((await topFiles(world, `registry.example.com/site@${digest}`))?.length, 3);
    }));
});

describe("--reproducible", () => {
  it("appends a directory as the same layer whenever its files were written", () =>
    inWorld(async (world) => {
      mkdirSync(world.path("folder"));
      const file = world.write("folder/file", "hello\n".repeat(10_000));
      const layerAt = async (time: number, flags: string, environment = {}) => {
        utimesSync(file, time, time);
        const digest = await world.data(`append -f ${world.path("folder")} ${flags} -t ${site}`, { environment });
        return digest.slice(digest.indexOf("@"));
      };
      assertNotEquals(await layerAt(1000, ""), await layerAt(2000, ""));
      for (const flags of ["--reproducible", "--reproducible --compression estargz"]) {
        assertEquals(await layerAt(1000, flags), await layerAt(2000, flags));
        assertNotEquals(await layerAt(1000, flags, { SOURCE_DATE_EPOCH: "1700000000" }), await layerAt(1000, flags));
      }
    }));

  it("flattens to the same layer", () =>
    inWorld(async (world) => {
      const file = world.write("layer.tar", await tarOf({ file: "hello\n".repeat(10_000) }));
      await world.data(`append -f ${file} -t ${site}`);
      const plain = await world.unmoved(`flatten ${site}`);
      assertEquals(
        await world.unmoved(`flatten ${site} --reproducible`),
        await world.unmoved(`flatten ${site} --reproducible`),
      );
      assertNotEquals(await world.unmoved(`flatten ${site} --reproducible`), plain);
    }));

  it("refuses zstd, and a date that is none", () =>
    inWorld(async (world) => {
      const line = `append -f ${world.write("layer.tar", await tarOf({ a: "a" }))} --reproducible -t ${site}`;
      const zstd = await world.gcrane(`${line} --compression zstd`);
      assertEquals([zstd.code, zstd.out], [2, ""]);
      assertStringIncludes(zstd.err, "zstd is not reproducible: each runtime has a codec of its own");
      const dated = await world.gcrane(line, { environment: { SOURCE_DATE_EPOCH: "yesterday" } });
      assertEquals([dated.code, dated.out], [2, ""]);
      assertStringIncludes(dated.err, 'SOURCE_DATE_EPOCH is "yesterday", which is not a number of seconds since 1970');
    }));
});
