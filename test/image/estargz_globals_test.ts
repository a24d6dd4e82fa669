import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { LimitError } from "../../src/errors.ts";
import { layerFromUncompressed } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { archive, extended, header, list, record } from "../make/archives.ts";
import { readEstargz } from "../make/estargz_reader.ts";
import { collect } from "../make/streams.ts";

const GLOBAL = "SCHILY.xattr.user.a";
const LANDMARK = ".no.prefetch.landmark";

describe("an eStargz layer of a tar with global records", () => {
  it("has global records once in the archive, and their attributes in the table", async () => {
    const files = ["a", "b"].map((name) => header({ name }));
    const source = archive(extended("g", record(GLOBAL, "v".repeat(1000))), ...files);
    const layer = layerFromUncompressed({ uncompressed: () => Promise.resolve(streamOf(source)), estargz: true });
    const bytes = await collect(await layer.compressed());
    const { entries } = readEstargz(bytes);
    assertEquals(entries.map(({ name, xattrs }) => [name, xattrs?.["user.a"]?.length]), [
      [LANDMARK, undefined],
      ["a", 1336],
      ["b", 1336],
    ]);
    const listed = await list(new Uint8Array(gunzipSync(bytes)));
    assertEquals(listed.map(({ entry }) => [entry.path, entry.globals.has(GLOBAL), entry.pax.has(GLOBAL)]), [
      [LANDMARK, false, false],
      ["a", true, false],
      ["b", true, false],
      ["stargz.index.json", false, false],
    ]);
  });

  it("refuses global attributes that its table would repeat without end", async () => {
    const files = Array.from({ length: 70 }, (_, i) => header({ name: `f${i}` }));
    const source = archive(extended("g", record(GLOBAL, "v".repeat(1_000_000))), ...files);
    const layer = layerFromUncompressed({ uncompressed: () => Promise.resolve(streamOf(source)), estargz: true });
    await assertRejects(() => layer.digest(), LimitError, "the limit is 67108864");
  });
});
