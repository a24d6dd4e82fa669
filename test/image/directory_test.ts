import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FileError, UsageError } from "../../src/errors.ts";
import { layerFromDirectory, tarDirectory, type TarDirectoryOptions, validateLayer } from "../../src/image/mod.ts";
import { drain } from "../../src/io/mod.ts";
import { readTar } from "../../src/tar/mod.ts";

let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "directory-test-"));
});

afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

function write(path: string, content: string | Uint8Array = ""): string {
  const file = join(root, path);
  fs.mkdirSync(join(file, ".."), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

/** The entries of the directory's tar, as lines: type, path, and what else a test asks for. */
async function entries(options: TarDirectoryOptions = {}, more: "" | "mode" | "owner" | "mtime" | "content" = "") {
  const lines: string[] = [];
  for await (const entry of readTar(await tarDirectory(root, options)())) {
    const extra = {
      "": () => entry.linkname,
      mode: () => entry.mode.toString(8),
      owner: () => `${entry.uid}:${entry.gid}`,
      mtime: () => String(entry.mtime),
      content: async () => new TextDecoder().decode(await entry.bytes()),
    }[more];
    lines.push([entry.type, entry.path, await extra()].join(" ").trimEnd());
  }
  return lines;
}

describe("tarDirectory", () => {
  it("walks in the order of the names' bytes, each directory before what is in it", async () => {
    for (const path of ["b", "a/z", "a/b/c", "a.txt", "Ä", "\u{1F600}", "\uff5e", "B"]) write(path, path);
    fs.mkdirSync(join(root, "empty"));
    assertEquals(await entries({}, "content"), [
      "file B B",
      "directory a/",
      "directory a/b/",
      "file a/b/c a/b/c",
      "file a/z a/z",
      "file a.txt a.txt",
      "file b b",
      "directory empty/",
      "file Ä Ä",
      "file \uff5e \uff5e",
      "file \u{1F600} \u{1F600}",
    ]);
  });

  it("is empty for an empty directory", async () => {
    assertEquals(await entries(), []);
  });

  it("keeps links as links, and never follows them", async () => {
    write("dir/file");
    fs.symlinkSync("dir", join(root, "to-dir"));
    fs.symlinkSync("/etc/passwd", join(root, "to-outside"));
    fs.symlinkSync("nowhere", join(root, "to-nowhere"));
    fs.symlinkSync(".", join(root, "dir/loop"));
    assertEquals(await entries(), [
      "directory dir/",
      "file dir/file",
      "symlink dir/loop .",
      "symlink to-dir dir",
      "symlink to-nowhere nowhere",
      "symlink to-outside /etc/passwd",
    ]);
  });

  it("stores a file with several names once", async () => {
    const file = write("dir/original", "content");
    fs.linkSync(file, join(root, "later"));
    fs.linkSync(file, join(root, "dir/zweitname"));
    assertEquals(await entries({ prefix: "app" }), [
      "directory app/dir/",
      "file app/dir/original",
      "link app/dir/zweitname app/dir/original",
      "link app/later app/dir/original",
    ]);
  });

  it("starts below a directory that is given by a link", async () => {
    write("real/file");
    const link = join(root, "link");
    fs.symlinkSync("real", link);
    const paths: string[] = [];
    for await (const { path } of readTar(await tarDirectory(link)())) paths.push(path);
    assertEquals(paths, ["file"]);
  });

  it("puts everything under a prefix", async () => {
    write("a/b");
    for (const prefix of ["usr/local", "/usr/local/", "./usr//local"]) {
      assertEquals(await entries({ prefix }), ["directory usr/local/a/", "file usr/local/a/b"]);
    }
    assertEquals(await entries({ prefix: "/" }), ["directory a/", "file a/b"]);
    assertThrows(() => tarDirectory(root, { prefix: "usr/../../etc" }), UsageError, "leaves the image");
  });

  it("keeps the modes", async () => {
    fs.chmodSync(write("run"), 0o4751);
    fs.chmodSync(write("dir/secret"), 0o600);
    fs.chmodSync(join(root, "dir"), 0o1777);
    assertEquals(await entries({}, "mode"), ["directory dir/ 1777", "file dir/secret 600", "file run 4751"]);
  });

  it("gives everything to 0:0, to whom it is told, or to whom it belongs", async () => {
    const { uid, gid } = fs.statSync(write("file"));
    assertEquals(await entries({}, "owner"), ["file file 0:0"]);
    assertEquals(await entries({ owner: { uid: 65532, gid: 12 } }, "owner"), ["file file 65532:12"]);
    assertEquals(await entries({ preserveOwner: true }, "owner"), [`file file ${uid}:${gid}`]);
  });

  it("keeps the times in whole seconds, or sets the one that it is told", async () => {
    const file = write("file");
    fs.utimesSync(file, 1_600_000_000.75, 1_600_000_000.75);
    fs.symlinkSync("x", join(root, "link"));
    fs.lutimesSync(join(root, "link"), 5, 5);
    assertEquals(await entries({}, "mtime"), ["file file 1600000000", "symlink link 5"]);
    assertEquals(await entries({ mtime: 0 }, "mtime"), ["file file 0", "symlink link 0"]);
    execFileSync("touch", ["-d", "@-1.5", file]);
    assertEquals((await entries({}, "mtime"))[0], "file file -2");
  });

  it("takes fifos and does not wait for them", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    assertEquals(await entries(), ["fifo pipe"]);
  });

  it("takes devices", async (test) => {
    try {
      execFileSync("mknod", [join(root, "null"), "c", "1", "3"], { stdio: "ignore" });
      execFileSync("mknod", [join(root, "disk"), "b", "259", "70000"], { stdio: "ignore" });
    } catch {
      test.skip("making a device needs root");
      return;
    }
    const found: unknown[] = [];
    for await (const { type, path, devMajor, devMinor } of readTar(await tarDirectory(root)())) {
      found.push([type, path, devMajor, devMinor]);
    }
    assertEquals(found, [["blockDevice", "disk", 259, 70000], ["characterDevice", "null", 1, 3]]);
  });

  it("leaves a socket out, and says so", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, "socket"), resolve));
    try {
      write("file");
      const skipped: string[] = [];
      assertEquals(await entries({ onSkip: (path, reason) => skipped.push(`${path}: ${reason}`) }), ["file file"]);
      assertEquals(skipped, [`${join(root, "socket")}: a socket can't be in an archive`]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("gives long names, large files and deep directories back", async () => {
    const deep = Array.from({ length: 30 }, (_, i) => `directory-${i}`).join("/");
    const large = new Uint8Array(600_000).map((_, i) => i * 31);
    write(`${deep}/file`, large);
    let found: Uint8Array | undefined;
    for await (const entry of readTar(await tarDirectory(root)())) {
      if (entry.path === `${deep}/file`) found = await entry.bytes();
    }
    assertEquals(found, large);
  });

  it("takes files whose length is at the edge of a read", async () => {
    const edge = 256 * 1024;
    for (const size of [edge - 1, edge, edge + 1, 2 * edge]) {
      const content = new Uint8Array(size).map((_, i) => i * 7);
      write("file", content);
      for await (const entry of readTar(await tarDirectory(root)())) {
        assertEquals(entry.size, size);
        assertEquals(await entry.bytes({ limit: 3 * edge }), content);
      }
    }
  });

  /** Reads the first chunk of the directory's tar, then lets `change` at the files, then reads the rest. */
  async function changing(change: () => void): Promise<void> {
    const reader = (await tarDirectory(root)()).getReader();
    await reader.read();
    change();
    while (!(await reader.read()).done);
  }

  it("fails with the name of a file that grows or shrinks while it is read", async () => {
    const file = write("a/growing", new Uint8Array(2_000_000));
    const grown = await assertRejects(() => changing(() => fs.appendFileSync(file, "more")), FileError);
    assertEquals(grown.message, `${file} changed while it was read: it grew beyond 2000000 bytes`);
    assert(grown.hint);
    fs.truncateSync(file, 2_000_000);
    await assertRejects(
      () => changing(() => fs.truncateSync(file, 1_000_000)),
      FileError,
      `${file} changed while it was read: it shrank from 2000000 to 1000000 bytes`,
    );
  });

  it("fails with the name of what goes away or becomes something else", async () => {
    write("a", new Uint8Array(2_000_000));
    // Some files are read ahead of their turn.
    for (let i = 10; i < 60; i++) write(`b${i}`);
    const file = join(root, "c");
    const changes: [string, () => void][] = [
      ["ENOENT", () => fs.rmSync(file)],
      ["ELOOP", () => {
        fs.rmSync(file);
        fs.symlinkSync("/etc/passwd", file);
      }],
    ];
    for (const [errno, change] of changes) {
      write("c");
      const error = await assertRejects(() => changing(change), FileError, `can't read ${file}: `);
      assertEquals(error.errno, errno);
      fs.rmSync(file, { force: true });
    }
    write("c");
    const becomeDirectory = () => {
      fs.rmSync(file);
      fs.mkdirSync(file);
    };
    await assertRejects(() => changing(becomeDirectory), FileError, `${file} changed while it was read: it was a file`);
  });

  it("fails when there is no such directory", async () => {
    const missing = join(root, "missing");
    await assertRejects(
      async () => drain(await tarDirectory(missing)()),
      FileError,
      `can't read ${missing}: no such file`,
    );
  });

  it("says that a name is not UTF-8", async (test) => {
    try {
      execFileSync("sh", ["-c", 'touch "$(printf "$0/\\377\\376")"', root], { stdio: "ignore" });
    } catch {
      test.skip("this file system has only names in UTF-8");
      return;
    }
    await assertRejects(() => entries(), FileError, "its name is not UTF-8");
  });

  it("ends on an abort with its reason", async () => {
    write("a", new Uint8Array(2_000_000));
    const controller = new AbortController();
    const reader = (await tarDirectory(root)({ signal: controller.signal })).getReader();
    await reader.read();
    controller.abort(new Error("enough"));
    await assertRejects(
      async () => {
        while (!(await reader.read()).done);
      },
      Error,
      "enough",
    );
  });
});

describe("layerFromDirectory", () => {
  it("is a valid layer that can be read again", async () => {
    write("etc/motd", "hello\n");
    const layer = await layerFromDirectory(root, { compression: "zstd", annotations: { a: "b" } });
    await validateLayer(layer);
    assertEquals((await layer.descriptor()).annotations, { a: "b" });
    assertEquals(await drain(await layer.compressed()), await layer.size());
  });

  it("is the same for the same files at the same time", async () => {
    const options = { mtime: 0, compression: "none" } as const;
    write("x/b", "1");
    write("x/a", "2");
    const one = await (await layerFromDirectory(join(root, "x"), options)).digest();
    write("y/a", "2");
    write("y/b", "1");
    assertEquals(await (await layerFromDirectory(join(root, "y"), options)).digest(), one);
  });

  it("fails at once for what is no directory", async () => {
    const file = write("file");
    await assertRejects(() => layerFromDirectory(file), FileError, `${file} is not a directory`);
    await assertRejects(() => layerFromDirectory(join(root, "missing")), FileError, "no such file");
    await assertRejects(
      () => layerFromDirectory(root, { signal: AbortSignal.abort(new Error("before")) }),
      Error,
      "before",
    );
  });
});
