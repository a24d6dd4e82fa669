import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { assertEquals } from "@std/assert";
import {
  type Bytes,
  readTar,
  rewriteEntry,
  type TarNewEntry,
  type TarWriteEntry,
  writeTar,
} from "../../src/tar/mod.ts";
import { describePeer, runPeer, runPeerForBytes } from "../peers/mod.ts";
import { assertSameBytes, latin1, utf8 } from "../make/bytes.ts";
import { collect, streamOf } from "../make/streams.ts";
import { list } from "../make/archives.ts";
import { listing, LISTING_OPTIONS, squeezed } from "../make/tar_listing.ts";
import { Random } from "../make/random.ts";
import { abilities, Folder, plantTree, XATTR } from "./tree.ts";

const LARGE = new Random(3).bytes(150_001);

/** Entries that ustar has room for. */
const SHORT: readonly TarNewEntry[] = [
  { path: "./", type: "directory", mode: 0o755, mtime: 1 },
  { path: "./hello.txt", content: utf8("hello\n"), mode: 0o4751, mtime: 1_600_000_000, uname: "root", gname: "root" },
  { path: "./empty", mode: 0o600 },
  { path: "./large", content: LARGE, mtime: 2 ** 31 },
  { path: "./dir/", type: "directory", mode: 0o1777, mtime: 5 },
  { path: "./dir/link", type: "symlink", linkname: "../hello.txt" },
  { path: "./dir/hard", type: "link", linkname: "./hello.txt", mode: 0o4751, mtime: 1_600_000_000 },
  { path: "./fifo", type: "fifo", mode: 0o640 },
  { path: latin1("./caf\xe9"), content: utf8("latin-1") },
  { path: "./größe-🐋", content: utf8("unicode") },
  { path: `./${"p".repeat(60)}/${"q".repeat(60)}/${"n".repeat(90)}`, content: utf8("prefix") },
];

/** Entries that go beyond it, as all other formats do. */
const LONG: readonly TarNewEntry[] = [
  { path: `./${"0".repeat(120)}/${"1".repeat(120)}/${"é".repeat(100)}`, content: utf8("deep") },
  { path: "./long-link", type: "symlink", linkname: "t".repeat(300) },
  { path: "./before-1970", content: utf8("old"), mtime: -86_400 },
  { path: "./after-2242", content: utf8("new"), mtime: 8 ** 11 + 1 },
];

const DEVICES: readonly TarNewEntry[] = [
  { path: "./null", type: "characterDevice", mode: 0o666, devMajor: 1, devMinor: 3 },
  { path: "./disk", type: "blockDevice", mode: 0o660, devMajor: 259, devMinor: 70_000 },
  { path: "./large-id", content: utf8("id"), uid: 3_000_000, gid: 4_000_000_000 },
];

const ATTRIBUTES: readonly TarNewEntry[] = [
  { path: "./attributes", content: utf8("x"), pax: [[`SCHILY.xattr.${XATTR.name}`, XATTR.bytes]], mtime: 1.123456789 },
];

describePeer("what we write for GNU tar", ["tar"], () => {
  const folder = new Folder();
  const able = abilities(folder.path);
  after(() => folder.remove());
  const absent = [able.root ? "" : ", no device nodes here", able.xattrs ? "" : ", no extended attributes here"];
  const beyond = [...LONG, ...(able.root ? DEVICES : [])];
  const cases = {
    ustar: SHORT,
    gnu: [...SHORT, ...beyond],
    pax: [...SHORT, ...beyond, ...(able.xattrs ? ATTRIBUTES : [])],
  };

  for (const [format, entries] of Object.entries(cases) as [keyof typeof cases, readonly TarNewEntry[]][]) {
    it(`in format ${format} is listed and extracted equal${absent.join("")}`, async () => {
      const bytes = await collect(writeTar(entries, { format }));
      await checkListing(bytes);
      const target = folder.make(format);
      await extract(bytes, target);
      for (const entry of entries) checkExtracted(target, entry, able.root);
      const { ino } = lstatSync(join(target, "hello.txt"));
      assertEquals(lstatSync(join(target, "dir/hard")).ino, ino);
      // The runtimes' file functions take no names that are not UTF-8.
      const latin = execFileSync("sh", ["-c", `cat "$(printf 'caf\\351')"`], { cwd: target, encoding: "utf8" });
      assertEquals(latin, "latin-1");
      if (format === "pax" && able.xattrs) {
        const value = execFileSync("getfattr", ["--only-values", "--name", XATTR.name, "attributes"], { cwd: target });
        assertEquals(new Uint8Array(value), XATTR.bytes);
      }
    });
  }

  it("with a blocking factor is read without a word", async () => {
    const bytes = await collect(writeTar(SHORT, { blockingFactor: 20 }));
    assertEquals(bytes.length % 10_240, 0);
    const complaints = execFileSync("sh", ["-c", "tar --list --file=- 2>&1 >/dev/null"], {
      input: bytes,
      encoding: "utf8",
    });
    assertEquals(complaints, "");
  });

  it("with global records is listed as we read it", async () => {
    await checkListing(
      await collect(writeTar([
        { type: "global", pax: [["uid", "70"], ["mtime", "9.5"], ["comment", "for all"]] },
        { path: "inherits" },
        { path: "overrides", uid: 0, mtime: 3 },
        { path: "overrides-one", uid: 71 },
      ])),
    );
  });

  for (const sparse of ["gnu", "0.0", "0.1", "1.0"]) {
    it(`is a sparse archive (${sparse}) rewritten, or passed on as it is`, async () => {
      const source = folder.make(`tree-${sparse}`);
      plantTree(source, "any", able);
      const options = sparse === "gnu" ? ["--format=gnu", "--sparse"] : ["--format=pax", `--sparse-version=${sparse}`];
      const original = await runPeerForBytes("tar", ["--create", "--file=-", ...options, "."], { cwd: source });
      async function* rewritten(): AsyncGenerator<TarWriteEntry> {
        for await (const entry of readTar(streamOf(original, 50_000))) yield rewriteEntry(entry);
      }
      const archives = [
        await collect(writeTar(rewritten())),
        await collect(writeTar(readTar(streamOf(original, 50_000)))),
      ];
      for (const [i, archive] of archives.entries()) {
        await checkListing(archive);
        const target = folder.make(`target-${sparse}-${i}`);
        await extract(archive, target);
        await runPeer("tar", ["--compare", "--file=-"], { cwd: target, input: original });
      }
    });
  }
});

async function checkListing(bytes: Bytes): Promise<void> {
  const lines = await runPeerForBytes("tar", [...LISTING_OPTIONS, "--file=-"], { input: bytes });
  const decoder = new TextDecoder("latin1");
  assertEquals(
    decoder.decode(squeezed(lines)),
    decoder.decode(listing((await list(bytes)).map(({ entry }) => entry))),
  );
}

async function extract(bytes: Bytes, target: string): Promise<void> {
  const options = ["--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--xattrs"];
  await runPeer("tar", [...options, "--xattrs-include=*", "--directory", target], { input: bytes });
}

/** Compares what GNU tar extracted with what was written. */
function checkExtracted(target: string, entry: TarNewEntry, root: boolean): void {
  if (typeof entry.path !== "string") return;
  const path = join(target, entry.path);
  const file = lstatSync(path);
  const type = entry.type ?? "file";
  if (type === "symlink") return assertEquals(readlinkSync(path), entry.linkname);
  assertEquals(file.mode & 0o7777, entry.mode ?? (type === "directory" ? 0o755 : 0o644), entry.path);
  assertEquals(Math.floor(file.mtimeMs), Math.floor((entry.mtime ?? 0) * 1000), entry.path);
  if (root) assertEquals([file.uid, file.gid], [entry.uid ?? 0, entry.gid ?? 0]);
  if (type === "file") assertSameBytes(new Uint8Array(readFileSync(path)), entry.content as Bytes ?? new Uint8Array(0));
  if (type === "characterDevice" || type === "blockDevice") {
    const numbers = execFileSync("stat", ["--format=%t %T", path], { encoding: "utf8" }).trim();
    assertEquals(numbers, `${entry.devMajor?.toString(16)} ${entry.devMinor?.toString(16)}`);
  }
}
