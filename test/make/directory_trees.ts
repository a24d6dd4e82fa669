import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runPeer } from "../peers/mod.ts";

/** Makes a tree with one of everything that an image has and an unprivileged user may make. */
export function makeTree(folder: string): void {
  const long = "a-name-that-is-rather-long/".repeat(6);
  for (const path of ["bin", "etc", "empty", `usr/share/${long}`]) mkdirSync(join(folder, path), { recursive: true });
  const files: [path: string, content: string | Uint8Array, mode?: number][] = [
    ["bin/tool", "#!/bin/sh\necho hello\n", 0o755],
    ["etc/motd", "hello\n"],
    ["etc/größe", "unicode\n"],
    ["etc/empty", ""],
    ["etc/secret", "s3cret\n", 0o600],
    [`usr/share/${long}file`, "deep\n"],
    ["usr/share/large", Uint8Array.from({ length: 700_000 }, (_, i) => (i * 2654435761) >>> 24)],
  ];
  for (const [path, content, mode = 0o644] of files) {
    writeFileSync(join(folder, path), content);
    chmodSync(join(folder, path), mode);
  }
  symlinkSync("tool", join(folder, "bin/link"));
  symlinkSync("/etc/motd", join(folder, "etc/absolute"));
  linkSync(join(folder, "bin/tool"), join(folder, "bin/tool-2"));
}

/** A tree as text, one line for each path: its mode, and what it holds or leads to. */
export function describeTree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const { mode, nlink } = lstatSync(path);
    const name = path.slice(folder.length + 1);
    if (entry.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`;
    const bits = (mode & 0o777).toString(8);
    return entry.isDirectory()
      ? `${name}/ ${bits}`
      : `${name} ${bits} ${nlink} ${readFileSync(path).toString("base64")}`;
  }).sort();
}

/**
 * Describes a tree as text, one line for each path, with everything that root can set: kind, mode, owner, size, time,
 * extended attributes, the target of a link, and content. Further names of a file refer to the first of them.
 */
export async function describeWholeTree(folder: string): Promise<string[]> {
  const attributes = await attributesUnder(folder);
  const firstNames = new Map<number, string>();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort().map((path) => {
    const name = path.slice(folder.length + 1);
    const stat = lstatSync(path);
    const first = firstNames.get(stat.ino);
    if (first !== undefined && !stat.isDirectory()) return `${name} = ${first}`;
    firstNames.set(stat.ino, name);
    const facts = [
      (stat.mode & 0o7777).toString(8),
      `${stat.uid}:${stat.gid}`,
      `${Math.floor(stat.mtimeMs / 1000)}`,
      ...attributes.get(path) ?? [],
    ].join(" ");
    if (stat.isSymbolicLink()) return `${name} symlink ${facts} -> ${readlinkSync(path)}`;
    if (stat.isDirectory()) return `${name}/ directory ${facts}`;
    if (stat.isFIFO()) return `${name} fifo ${facts}`;
    return `${name} file ${facts} ${stat.size} ${readFileSync(path).toString("base64")}`;
  });
}

/** The extended attributes of users, as `name="value"`, by path. */
async function attributesUnder(folder: string): Promise<Map<string, string[]>> {
  const flags = ["--recursive", "--dump", "--no-dereference", "--absolute-names", "--match=^user\\."];
  const dump = await runPeer("getfattr", [...flags, folder]);
  const found = new Map<string, string[]>();
  for (const block of dump.split("\n\n")) {
    const [title, ...lines] = block.split("\n");
    if (title.startsWith("# file: ")) found.set(title.slice("# file: ".length), lines.sort());
  }
  return found;
}
