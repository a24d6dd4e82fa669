// A directory tree with everything in it that this machine's user and file system can hold.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { latin1, utf8 } from "../make/bytes.ts";
import { Random } from "../make/random.ts";

/** What a format has no room for is left out of the tree. */
export type Room = "v7" | "ustar" | "any";

/** What the file system and the user allow. */
export interface Abilities {
  /** Device nodes and other people's ids. */
  root: boolean;
  /** Extended attributes of the user's own. */
  xattrs: boolean;
  /** Holes in files. */
  holes: boolean;
}

/** A file with regions apart from each other and a hole at its end. */
export const HOLES = { regions: 60, step: 128 * 1024, size: 60 * 128 * 1024 + 12_345 };
/** An extended attribute that is not text. */
export const XATTR = { name: "user.gcrane", hex: "0x00ff0a3d00c3", bytes: latin1("\x00\xff\x0a\x3d\x00\xc3") };

/** A folder that is removed by {@linkcode Folder.remove}. */
export class Folder {
  /** Where it is. */
  readonly path: string = mkdtempSync(join(tmpdir(), "gcrane-tar-"));

  /** Makes a folder in it. */
  make(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path);
    return path;
  }

  /** Removes it with all that is in it. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Finds out what is possible in `folder`. */
export function abilities(folder: string): Abilities {
  const probe = join(folder, "probe");
  const works = (command: string, ...args: string[]) => {
    try {
      execFileSync(command, args, { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  const descriptor = openSync(probe, "w");
  ftruncateSync(descriptor, 1024 * 1024);
  closeSync(descriptor);
  const found = {
    root: works("mknod", `${probe}-node`, "c", "1", "3"),
    xattrs: works("setfattr", "-n", XATTR.name, "-v", XATTR.hex, probe),
    holes: statSync(probe).blocks === 0,
  };
  rmSync(probe);
  rmSync(`${probe}-node`, { force: true });
  return found;
}

/** Makes the tree in `root`. */
export function plantTree(root: string, room: Room, able: Abilities): void {
  const at = (...parts: string[]) => join(root, ...parts);
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: root });
  const random = new Random(2);
  mkdirSync(at("dir", "inner"), { recursive: true });
  chmodSync(at("dir"), 0o750);
  chmodSync(at("dir", "inner"), 0o1777);
  writeFileSync(at("hello.txt"), "hello\n");
  writeFileSync(at("empty"), "");
  writeFileSync(at("dir", "block"), random.bytes(512));
  writeFileSync(at("dir", "large"), random.bytes(200_001));
  chmodSync(at("hello.txt"), 0o4751);
  symlinkSync("../hello.txt", at("dir", "link"));
  symlinkSync("nowhere", at("dangling"));
  linkSync(at("hello.txt"), at("dir", "hard"));
  writeFileSync(at("größe-🐋"), "unicode");
  // The runtimes' file functions take no names that are not UTF-8.
  run("sh", "-c", `printf latin-1 > "$(printf 'caf\\351')"`);
  writeFileSync(at("with space"), "space");
  run("touch", "-d", "@1600000000.25", "hello.txt");
  if (room === "v7") return;
  run("mkfifo", "-m", "640", "fifo");
  mkdirSync(at("p".repeat(60), "q".repeat(60)), { recursive: true });
  writeFileSync(at("p".repeat(60), "q".repeat(60), "n".repeat(90)), "prefix");
  if (able.root) {
    run("mknod", "-m", "666", "null", "c", "1", "3");
    run("mknod", "-m", "660", "disk", "b", "259", "70000");
  }
  if (room === "ustar") return;
  const deep = at(...Array.from({ length: 5 }, (_, i) => `${i}`.repeat(120)));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "n".repeat(200)), "deep");
  symlinkSync("t".repeat(300), at("long-link"));
  linkSync(join(deep, "n".repeat(200)), at("long-hard"));
  writeFileSync(at("before-1970"), "old");
  run("touch", "-d", "@-86400", "before-1970");
  if (able.root) {
    writeFileSync(at("large-id"), "id");
    run("chown", "3000000:4000000000", "large-id");
  }
  plantHoles(at("holes"));
  if (able.xattrs) run("setfattr", "-n", XATTR.name, "-v", XATTR.hex, "hello.txt");
}

function plantHoles(path: string): void {
  const descriptor = openSync(path, "w");
  ftruncateSync(descriptor, HOLES.size);
  for (let i = 0; i < HOLES.regions; i++) {
    // Deno ignores the position of a text.
    const bytes = utf8(`region ${i}`);
    writeSync(descriptor, bytes, 0, bytes.length, i * HOLES.step);
  }
  closeSync(descriptor);
}
