// Valid archives, of ours and of GNU tar's, small and with everything in them.

import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bytes, type TarNewEntry, type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { archive, extended, header, record } from "../make/archives.ts";
import { joined, latin1, noise, utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { available, runPeerForBytes } from "../peers/mod.ts";

/** Without what differs from one run to the next. */
const CREATE = ["--create", "--file=-", "--blocking-factor=1", "--sort=name", "--mtime=@1600000000.25"];
const NAMES = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime";
const GNU_OPTIONS: readonly (readonly string[])[] = [
  ["--format=v7"],
  ["--format=ustar"],
  ["--format=oldgnu", "--sparse"],
  ["--format=gnu", "--sparse"],
  ["--format=gnu", "--sparse", "--label=volume"],
  ["--format=pax", NAMES],
  ["--format=pax", NAMES, "--sparse-version=0.0", "--sparse"],
  ["--format=pax", NAMES, "--sparse-version=0.1", "--sparse"],
  ["--format=pax", NAMES, "--sparse-version=1.0", "--sparse"],
  ["--format=pax", `${NAMES},globexthdr.name=g,comment=all,gname=us,VENDOR.own:=one,atime:=1.5`],
];

/** Makes the samples. Without GNU tar, those of ours alone. */
export async function tarSamples(): Promise<Bytes[]> {
  return [...await ownSamples(), handMade(), ...(available("tar") ? await gnuSamples() : [])];
}

async function ownSamples(): Promise<Bytes[]> {
  const plain: TarNewEntry[] = [
    { type: "directory", path: "dir/", mode: 0o1755, mtime: 1_700_000_000 },
    { path: "dir/file", content: noise(1500), uid: 1000, gid: 100, uname: "ann", gname: "users" },
    { path: "empty" },
    { type: "link", path: "dir/hard", linkname: "dir/file" },
    { type: "symlink", path: "dir/soft", linkname: "../empty" },
    { type: "characterDevice", path: "null", devMajor: 1, devMinor: 3 },
    { type: "blockDevice", path: "disk", devMajor: 259, devMinor: 70_000 },
    { type: "fifo", path: "pipe" },
    { path: ".wh.gone" },
  ];
  const large: TarNewEntry[] = [
    { path: `${"long/".repeat(40)}name`, content: utf8("long") },
    { type: "symlink", path: "far", linkname: "t".repeat(300) },
    { path: "large-id", uid: 3_000_000, gid: 4_000_000_000, content: utf8("id") },
    { path: "before-1970", mtime: -86_400, content: noise(512) },
  ];
  const pax: TarWriteEntry[] = [
    { type: "global", pax: [["comment", "all"], ["uid", "7"]] },
    { path: latin1("caf\xe9"), content: utf8("latin"), mtime: 1.25, atime: 2, ctime: 3.5 },
    { path: "attributes", pax: [["SCHILY.xattr.user.a", latin1("\xff\0=\n")], ["LIBARCHIVE.x", "y"]] },
    { type: "global", pax: [["comment", ""]] },
  ];
  return await Promise.all([
    collect(writeTar([...plain, ...large, ...pax])),
    collect(writeTar([...plain, ...large], { format: "gnu" })),
    collect(writeTar(plain.filter(({ path }) => path !== "disk"), { format: "ustar", blockingFactor: 20 })),
  ]);
}

/** What neither writes: both kinds of records before one entry, repeated globals, unknown types, odd numbers. */
function handMade(): Bytes {
  return archive(
    extended("g", joined(record("mtime", "1.5"), record("gname", "us"), record("SCHILY.xattr.user.b", "1"))),
    extended("x", joined(record("path", "é"), record("SCHILY.xattr.user.a", latin1("\xff\0")))),
    header({ size: 5, uid: "  17 \0" }),
    utf8("hello"),
    extended("L", utf8("long\0"), { magic: "ustar  \0" }),
    extended("K", utf8("target\0"), { magic: "ustar  \0" }),
    header({ magic: "ustar  \0", typeflag: "2", linkname: "short" }),
    extended("g", joined(record("gname", ""), record("uid", "5"))),
    header({ magic: "", typeflag: "\0", name: "old/" }),
    header({ typeflag: "7", name: "contiguous", size: 700 }),
    new Uint8Array(700).fill(1),
    header({ typeflag: "Z", name: "vendor", size: 3, mtime: "\x80\0\0\0\0\0\0\0\0\0\0\x05" }),
    utf8("abc"),
  );
}

async function gnuSamples(): Promise<Bytes[]> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_fuzz_tar_"));
  try {
    const names = plant(folder);
    return await Promise.all(GNU_OPTIONS.map((options) => {
      const kept = options[0] === "--format=v7" ? names.old : options[0] === "--format=ustar" ? names.ustar : names.any;
      return runPeerForBytes("tar", [...CREATE, ...options, ...kept], { cwd: folder });
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Makes a tree, and returns the names in it by the format that can hold them. */
function plant(folder: string): { old: string[]; ustar: string[]; any: string[] } {
  const at = (...parts: string[]) => join(folder, ...parts);
  mkdirSync(at("dir"));
  writeFileSync(at("dir", "file"), noise(1500));
  writeFileSync(at("empty"), "");
  linkSync(at("dir", "file"), at("hard"));
  symlinkSync("../empty", at("dir", "soft"));
  const old = ["dir", "empty", "hard"];
  execFileSync("mkfifo", ["pipe"], { cwd: folder });
  mkdirSync(at("p".repeat(90)));
  writeFileSync(at("p".repeat(90), "n".repeat(50)), "prefix");
  const ustar = [...old, "pipe", "p".repeat(90)];
  try {
    execFileSync("mknod", ["null", "c", "1", "3"], { cwd: folder, stdio: "ignore" });
    ustar.push("null");
  } catch {
    // Only root makes device nodes.
  }
  writeFileSync(at("l".repeat(200)), "long");
  symlinkSync("t".repeat(300), at("far"));
  const descriptor = openSync(at("holes"), "w");
  ftruncateSync(descriptor, 300_000);
  for (let region = 0; region < 12; region++) {
    const bytes = utf8(`region ${region}`);
    writeSync(descriptor, bytes, 0, bytes.length, region * 24_576 + 4096);
  }
  closeSync(descriptor);
  return { old, ustar, any: [...ustar, "l".repeat(200), "far", "holes"] };
}
