import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { readTar, type TarFormat, type TarHeader, writeTar } from "../../src/tar/mod.ts";
import { describePeer, runPeerForBytes } from "../peers/mod.ts";
import { assertSameBytes, latin1, utf8 } from "../make/bytes.ts";
import { collect, streamOf } from "../make/streams.ts";
import { list, type Listed } from "../make/archives.ts";
import { listing, LISTING_OPTIONS, squeezed } from "../make/tar_listing.ts";
import { abilities, Folder, HOLES, plantTree, type Room, XATTR } from "./tree.ts";

interface Case {
  options: string[];
  room: Room;
  /** The format that most headers have. */
  format: TarFormat;
  sparse?: boolean;
  xattrs?: boolean;
}

const CASES: readonly Case[] = [
  { options: ["--format=v7"], room: "v7", format: "v7" },
  { options: ["--format=ustar"], room: "ustar", format: "ustar" },
  { options: ["--format=oldgnu"], room: "any", format: "gnu" },
  { options: ["--format=oldgnu", "--sparse"], room: "any", format: "gnu", sparse: true },
  { options: ["--format=gnu"], room: "any", format: "gnu" },
  { options: ["--format=gnu", "--sparse"], room: "any", format: "gnu", sparse: true },
  { options: ["--format=pax"], room: "any", format: "pax" },
  { options: ["--format=pax", "--xattrs"], room: "any", format: "pax", xattrs: true },
  { options: ["--format=pax", "--sparse-version=0.0"], room: "any", format: "pax", sparse: true },
  { options: ["--format=pax", "--sparse-version=0.1"], room: "any", format: "pax", sparse: true },
  { options: ["--format=pax", "--sparse-version=1.0"], room: "any", format: "pax", sparse: true },
];

describePeer("what GNU tar writes", ["tar"], () => {
  const folder = new Folder();
  const able = abilities(folder.path);
  after(() => folder.remove());
  const roots = new Map<Room, string>();
  const rootOf = (room: Room): string => {
    const root = roots.get(room) ?? folder.make(room);
    if (!roots.has(room)) plantTree(root, room, able);
    roots.set(room, root);
    return root;
  };

  for (const { options, room, format, sparse = false, xattrs = false } of CASES) {
    const absent = [
      able.root ? [] : ["no device nodes"],
      sparse && !able.holes ? ["no holes"] : [],
      xattrs && !able.xattrs ? ["no extended attributes"] : [],
    ].flat().map((what) => `, ${what} here`);

    it(`with ${options.join(" ")} is read whole${absent.join("")}`, async () => {
      const root = rootOf(room);
      const bytes = await runPeerForBytes("tar", ["--create", "--file=-", ...options, "--sort=name", "."], {
        cwd: root,
      });
      const entries = await list(streamOf(bytes, 10_000));
      await checkListing(bytes, entries.map(({ entry }) => entry));
      for (const listed of entries) checkFile(root, listed, format);
      checkNames(entries, room);
      if (room === "any") checkHoles(entries, sparse && able.holes);
      // Whichever of its two names came first has the content and the attributes.
      const hello = entries.find(({ entry, content }) => entry.type === "file" && content.length === 6)?.entry;
      if (xattrs && able.xattrs) assertEquals(hello?.pax.get(`SCHILY.xattr.${XATTR.name}`), XATTR.bytes);
      // What follows the two zero blocks, up to the record's 10240 bytes, is no part of the entries.
      const copy = await collect(writeTar(readTar(streamOf(bytes, 9999)), { blockingFactor: 20 }));
      assertSameBytes(copy, bytes);
    });
  }

  it("with global records is read whole", async () => {
    const options = ["--format=pax", "--pax-option=globexthdr.name=g,comment=all,VENDOR.own:=one,atime:=1.5"];
    const args = ["--create", "--file=-", ...options, "hello.txt", "dir"];
    const bytes = await runPeerForBytes("tar", args, { cwd: rootOf("any") });
    const entries = await list(bytes);
    await checkListing(bytes, entries.map(({ entry }) => entry));
    assertEquals(
      entries.map(({ entry }) => [entry.globals.get("comment"), entry.pax.get("VENDOR.own"), entry.atime]),
      entries.map(() => [utf8("all"), utf8("one"), 1.5]),
    );
    // The time is a number, which each entry has itself.
    const copy = await list(await collect(writeTar(readTar(streamOf(bytes)))));
    assertEquals(copy.map(({ entry }) => [entry.path, entry.globals.get("comment"), entry.globals.size]), [
      ...entries.map(({ entry }) => [entry.path, utf8("all"), 2] as [string, ReturnType<typeof utf8>, number]),
    ]);
  });

  it("with a volume label is read whole", async () => {
    const args = ["--create", "--file=-", "--format=gnu", "--label=volume one", "hello.txt"];
    const bytes = await runPeerForBytes("tar", args, { cwd: rootOf("any") });
    const entries = await list(bytes);
    assertEquals(entries.map(({ entry }) => [entry.typeflag, entry.type, entry.path]), [
      ["V", "unknown", "volume one"],
      ["0", "file", "hello.txt"],
    ]);
  });

  it("incrementally, with access times and lists of directories, is read whole", async () => {
    const args = ["--create", "--file=-", "--format=gnu", "--incremental", "dir"];
    const bytes = await runPeerForBytes("tar", args, { cwd: rootOf("v7") });
    const entries = await list(bytes);
    const directory = entries[0];
    assertEquals([directory.entry.typeflag, directory.entry.type, directory.entry.path], ["D", "unknown", "dir/"]);
    assert(directory.content.length > 0);
    assert((directory.entry.atime ?? 0) > 1_600_000_000);
    const large = entries.find(({ entry }) => entry.path === "dir/large");
    assertSameBytes(large?.content ?? utf8(""), fileBytes(join(rootOf("v7"), "dir/large")));
  });
});

async function checkListing(bytes: Uint8Array, entries: readonly TarHeader[]): Promise<void> {
  const lines = await runPeerForBytes("tar", [...LISTING_OPTIONS, "--file=-"], { input: bytes });
  const decoder = new TextDecoder("latin1");
  assertEquals(decoder.decode(listing(entries)), decoder.decode(squeezed(lines)));
}

/** Compares an entry with the file that it was made from. */
function checkFile(root: string, { entry, content }: Listed, format: TarFormat): void {
  assert(entry.format === format || format === "pax" && entry.format === "ustar", `${entry.path} is ${entry.format}`);
  if (!entry.path.isWellFormed()) return assertEquals(content, utf8("latin-1"));
  const path = join(root, entry.path);
  const file = lstatSync(path);
  assertEquals([entry.mode, entry.uid, entry.gid], [file.mode & 0o7777, file.uid, file.gid]);
  const digits = format === "pax" ? 1e3 : 1;
  assertEquals(Math.floor(entry.mtime * digits), Math.floor(file.mtimeMs * digits / 1e3), entry.path);
  if (entry.type === "file") assertSameBytes(content, fileBytes(path));
  else if (entry.type === "symlink") assertEquals(entry.linkname, readlinkSync(path));
  else if (entry.type === "link") assertEquals(lstatSync(join(root, entry.linkname)).ino, file.ino);
  else assertEquals(entry.type, typeOf(file));
}

function typeOf(file: Stats): string {
  if (file.isDirectory()) return "directory";
  if (file.isFIFO()) return "fifo";
  return file.isCharacterDevice() ? "characterDevice" : "blockDevice";
}

function checkNames(entries: readonly Listed[], room: Room): void {
  const find = (path: string) => entries.find(({ entry }) => entry.path === path)?.entry;
  assertEquals(find("./caf\udce9")?.pathBytes, latin1("./caf\xe9"));
  assertEquals(find("./größe-🐋")?.type, "file");
  if (room !== "any") return;
  assertEquals(find("./long-link")?.linkname, "t".repeat(300));
  assertEquals(find("./before-1970")?.mtime, -86_400);
}

function checkHoles(entries: readonly Listed[], sparse: boolean): void {
  const holes = entries.find(({ entry }) => entry.path === "./holes");
  assertEquals([holes?.entry.size, holes?.content.length], [HOLES.size, HOLES.size]);
  assertEquals(holes?.entry.sparse, sparse);
  assertEquals((holes?.entry.storedSize ?? 0) < HOLES.size / 10, sparse);
}

function fileBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}
