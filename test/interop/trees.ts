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
