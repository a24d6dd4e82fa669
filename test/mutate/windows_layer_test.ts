import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import { type Layer, layerFromBytes, streamLayer } from "../../src/image/mod.ts";
import { windowsLayer } from "../../src/mutate/internal.ts";
import { readTar, type TarNewEntry, writeTar } from "../../src/tar/mod.ts";
import { collect, inChunks } from "../make/streams.ts";
import { utf8 } from "../make/bytes.ts";

const tarOf = (...entries: TarNewEntry[]) => collect(writeTar(entries));

interface Seen {
  path: string;
  type: string;
  text: string;
  linkname: string;
  mode: number;
  owner: string | undefined;
}

async function entriesOf(layer: Layer): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const entry of readTar(await layer.uncompressed())) {
    const { path, type, linkname, mode, pax } = entry;
    const record = pax.get("MSWINDOWS.rawsd");
    const owner = record && new TextDecoder().decode(record);
    seen.push({ path, type, linkname, mode, owner, text: new TextDecoder().decode(await entry.bytes()) });
  }
  return seen;
}

const long = `${"long/".repeat(30)}end`;
const plain: TarNewEntry[] = [
  { path: "./", type: "directory" },
  { path: "app/", type: "directory", mode: 0o755 },
  { path: "./app/tool.exe", content: utf8("tool\n"), mode: 0o755 },
  { path: "app/same.exe", type: "link", linkname: "./app/tool.exe" },
  { path: "app/link", type: "symlink", linkname: "tool.exe" },
  { path: ".wh.old", content: utf8("") },
  { path: long, content: utf8("deep\n"), pax: [["SCHILY.xattr.user.a", "b"]] },
];

describe("windowsLayer", () => {
  it("puts files below Files, beside Hives, and gives them to the users of the system", async () => {
    const layer = await windowsLayer(await layerFromBytes(await tarOf(...plain)));
    const entries = await entriesOf(layer);
    assertEquals(entries.map(({ path, type, linkname }) => [path.replace(/\/$/, ""), type, linkname]), [
      ["Files", "directory", ""],
      ["Hives", "directory", ""],
      ["Files/app", "directory", ""],
      ["Files/app/tool.exe", "file", ""],
      ["Files/app/same.exe", "link", "Files/app/tool.exe"],
      ["Files/app/link", "symlink", "tool.exe"],
      ["Files/.wh.old", "file", ""],
      [`Files/${long}`, "file", ""],
    ]);
    assertEquals(entries.map(({ text }) => text).filter(Boolean), ["tool\n", "deep\n"]);
    assertEquals(entries.slice(0, 2).map(({ mode, owner }) => [mode, owner]), [[0o555, undefined], [0o555, undefined]]);
    // Self-relative, revision 1: owner and group, at the offsets 20 and 36, are both S-1-5-32-545.
    const users = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 33, 2, 0, 0];
    for (const { owner } of entries.slice(2)) {
      const bytes = [...atob(owner!)].map((char) => char.charCodeAt(0));
      assertEquals([bytes[0], bytes[4], bytes[8]], [1, 20, 36]);
      assertEquals([bytes.slice(20, 36), bytes.slice(36)], [users, users]);
    }
  });

  it("is the same each time, and of a stream one that streams", async () => {
    const bytes = await tarOf(...plain);
    const layer = await windowsLayer(await layerFromBytes(bytes), { compression: "none" });
    const streamed = await windowsLayer(streamLayer(inChunks(bytes)), { compression: "none" });
    assertEquals(streamed.content.once, true);
    assertEquals(await collect(await streamed.compressed()), await collect(await layer.compressed()));
    assertEquals(await streamed.digest(), await layer.digest());
  });

  it("refuses one that is for Windows already", async () => {
    for (const path of ["Files/a", "Hives/DefaultUser_Delta", "./Files/a"]) {
      const layer = await windowsLayer(await layerFromBytes(await tarOf({ path, content: utf8("x") })));
      await assertRejects(() => layer.digest(), TarError, "is where Windows itself has its files");
    }
  });
});
