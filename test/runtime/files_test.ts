import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import process from "node:process";
import { programCommand } from "../make/runtime_programs.ts";
import {
  chmod,
  exists,
  hardLink,
  joinPath,
  lstat,
  makeDirectory,
  readDirectory,
  readFile,
  readLink,
  readTextFile,
  realPath,
  remove,
  rename,
  setTimes,
  stat,
  symlink,
  temporaryDirectory,
} from "../../src/runtime/mod.ts";

let directory = "";
const at = (name: string) => joinPath(directory, name);

beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => remove(directory, { recursive: true }));

/** The code of the failure. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise) as { code: string }).code;
}

describe("stat and lstat", () => {
  it("say what a file is", async () => {
    fs.writeFileSync(at("a"), "hello", { mode: 0o640 });
    fs.chmodSync(at("a"), 0o4750);
    fs.utimesSync(at("a"), 1000, 2000);
    fs.linkSync(at("a"), at("b"));
    const a = await stat(at("a"));
    const expected = fs.statSync(at("a"));
    assertEquals(a.kind, "file");
    assertEquals(a.size, 5);
    assertEquals(a.mode, 0o4750);
    assertEquals(a.mtimeMs, 2_000_000);
    assertEquals(a.nlink, 2);
    assertEquals([a.uid, a.gid, a.dev, a.ino], [expected.uid, expected.gid, expected.dev, expected.ino]);
    assertEquals((await stat(at("b"))).ino, a.ino);
  });

  it("tell the kinds apart", async () => {
    fs.symlinkSync("nowhere", at("link"));
    execFileSync("mkfifo", [at("fifo")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
    try {
      assertEquals((await stat(directory)).kind, "directory");
      assertEquals((await lstat(at("link"))).kind, "symlink");
      assertEquals((await lstat(at("fifo"))).kind, "fifo");
      assertEquals((await lstat(at("socket"))).kind, "socket");
      const device = await stat("/dev/null");
      assertEquals([device.kind, device.deviceMajor, device.deviceMinor], ["characterDevice", 1, 3]);
      assertEquals((await readDirectory(directory)).map((entry) => entry.kind), ["fifo", "symlink", "socket"]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("fail with the system's code", async () => {
    assertEquals(await codeOf(stat(at("none"))), "ENOENT");
    assertEquals(await codeOf(lstat(at("none"))), "ENOENT");
    assertEquals(await codeOf(readFile(at("none"))), "ENOENT");
    assertEquals(await codeOf(readTextFile(at("none"))), "ENOENT");
    assertEquals(await codeOf(readDirectory(at("none"))), "ENOENT");
    assertEquals(await codeOf(readFile(directory)), "EISDIR");
  });
});

describe("exists", () => {
  it("knows files, links to nowhere and nothing", async () => {
    fs.writeFileSync(at("a"), "");
    fs.symlinkSync("nowhere", at("link"));
    assert(await exists(at("a")));
    assert(await exists(at("link")));
    assertEquals(await exists(at("none")), false);
    assertEquals(await exists(at("a/below")), false);
    assertEquals(await exists(at("a".repeat(256))), false);
  });
});

describe("readFile", () => {
  it("gives plain bytes and text", async () => {
    fs.writeFileSync(at("a"), "grüße");
    const bytes = await readFile(at("a"));
    assertStrictEquals(bytes.constructor, Uint8Array);
    assertEquals(bytes, new TextEncoder().encode("grüße"));
    assertEquals(await readTextFile(at("a")), "grüße");
  });
});

describe("readDirectory", () => {
  it("sorts by the bytes of the names", async () => {
    // U+10000 is a surrogate pair in UTF-16, which sorts before U+FF5E there and after it in UTF-8.
    const names = ["B", "a", "a.b", "ab", "é", "\uff5e", "\u{10000}"];
    for (const name of names.toReversed()) fs.writeFileSync(at(name), "");
    assertEquals((await readDirectory(directory)).map((entry) => entry.name), names);
  });
});

describe("changing the tree", () => {
  it("makes and removes directories", async () => {
    await makeDirectory(at("x/y/z"), { recursive: true });
    await makeDirectory(at("x/y/z"), { recursive: true });
    assertEquals(await codeOf(makeDirectory(at("x"))), "EEXIST");
    await makeDirectory(at("private"), { mode: 0o700 });
    assertEquals((await stat(at("private"))).mode, 0o700);
    assertEquals(await codeOf(remove(at("x"))), "ENOTEMPTY");
    await remove(at("private"));
    await remove(at("x"), { recursive: true });
    await remove(at("x"), { recursive: true });
    await remove(at("x"));
    assertEquals(await readDirectory(directory), []);
  });

  it("gives the reason why directories can't be made", async () => {
    fs.writeFileSync(at("file"), "");
    assertEquals(await codeOf(makeDirectory(at("file"), { recursive: true })), "EEXIST");
    assertEquals(await codeOf(makeDirectory(at("file/x"), { recursive: true })), "ENOTDIR");
    fs.symlinkSync("loop", at("loop"));
    assertEquals(await codeOf(makeDirectory(at("loop/x"), { recursive: true })), "ELOOP");
  });

  it("makes no directory where the system takes none", {
    timeout: 5_000,
    skip: process.platform === "linux" ? false : "not applicable: needs /proc",
  }, async () => {
    assertEquals(await codeOf(makeDirectory("/proc/gcrane/x", { recursive: true })), "ENOENT");
  });

  it("removes a link and not what it leads to", async () => {
    fs.mkdirSync(at("kept"));
    fs.writeFileSync(at("kept/file"), "");
    fs.symlinkSync("kept", at("link"));
    await remove(at("link"), { recursive: true });
    fs.symlinkSync("kept", at("link"));
    await remove(at("link"));
    assert(await exists(at("kept/file")));
  });

  it("links, renames, and says where a link leads", async () => {
    fs.writeFileSync(at("a"), "1");
    await hardLink(at("a"), at("b"));
    assertEquals((await stat(at("a"))).nlink, 2);
    await symlink("b", at("c"));
    assertEquals(await readLink(at("c")), "b");
    assertEquals(await realPath(at("c")), fs.realpathSync(at("b")));
    await rename(at("b"), at("d"));
    assertEquals((await readDirectory(directory)).map((entry) => entry.name), ["a", "c", "d"]);
  });

  it("sets permissions and times, the times of a link and not of its target", async () => {
    fs.writeFileSync(at("a"), "");
    await chmod(at("a"), 0o2755);
    await setTimes(at("a"), 1_500_000_000_250);
    assertEquals((await stat(at("a"))).mode, 0o2755);
    assertEquals((await stat(at("a"))).mtimeMs, 1_500_000_000_250);
    fs.symlinkSync("a", at("link"));
    await setTimes(at("link"), 1_000_000);
    assertEquals((await lstat(at("link"))).mtimeMs, 1_000_000);
    assertEquals((await stat(at("a"))).mtimeMs, 1_500_000_000_250);
  });
});

describe("files on Windows", () => {
  it("have the modes of programs and no links, and are renamed once no other program has them open", () => {
    const { command, args } = programCommand("windows_files.ts");
    const { stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: "utf8" });
    assertEquals(stderr, "");
    assertEquals(JSON.parse(stdout), {
      modes: ["755", "755"],
      nlink: 1,
      link: "folder/file",
      sync: "nothing to do",
      rename: "renamed",
      commit: "renamed",
      refused: "EPERM",
      source: { path: "C:\\app.tar", tag: "v1" },
    });
  });
});
