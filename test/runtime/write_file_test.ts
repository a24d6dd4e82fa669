import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  type Bytes,
  joinPath,
  openWriter,
  remove,
  removeTemporaries,
  temporaryDirectory,
  writeFileAtomic,
} from "../../src/runtime/mod.ts";
import { noise } from "../make/bytes.ts";
import { settled, until } from "../make/waiting.ts";
import { streamOf, watchedSource } from "../make/streams.ts";

let directory = "";
const at = (name: string) => joinPath(directory, name);
const names = () => fs.readdirSync(directory).sort();

beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => remove(directory, { recursive: true }));

describe("writeFileAtomic", () => {
  it("writes bytes, text and streams, and counts the bytes", async () => {
    const content = noise(700_001);
    assertEquals(await writeFileAtomic(at("bytes"), content), content.byteLength);
    assertEquals(new Uint8Array(fs.readFileSync(at("bytes"))), content);
    assertEquals(await writeFileAtomic(at("text"), "grüße", { sync: true }), 7);
    assertEquals(fs.readFileSync(at("text"), "utf8"), "grüße");
    assertEquals(await writeFileAtomic(at("stream"), streamOf(content, 1000)), content.byteLength);
    assertEquals(new Uint8Array(fs.readFileSync(at("stream"))), content);
    assertEquals(names(), ["bytes", "stream", "text"]);
  });

  it("keeps the permissions of the file that it replaces", async () => {
    await writeFileAtomic(at("private"), "x", { mode: 0o600 });
    await writeFileAtomic(at("private"), "y");
    fs.symlinkSync("private", at("link"));
    await writeFileAtomic(at("link"), "z");
    assertEquals([fs.readFileSync(at("private"), "utf8"), fs.statSync(at("private")).mode & 0o7777], ["z", 0o600]);
  });

  it("sets the mode exactly", async () => {
    await writeFileAtomic(at("secret"), "x", { mode: 0o600 });
    assertEquals(fs.statSync(at("secret")).mode & 0o7777, 0o600);
    await writeFileAtomic(at("open"), "x", { mode: 0o666 });
    assertEquals(fs.statSync(at("open")).mode & 0o7777, 0o666);
  });

  it("replaces a file, and what a symbolic link leads to", async () => {
    fs.writeFileSync(at("file"), "old");
    fs.symlinkSync("file", at("link"));
    await writeFileAtomic(at("link"), "new");
    assertEquals(fs.readFileSync(at("file"), "utf8"), "new");
    assert(fs.lstatSync(at("link")).isSymbolicLink());
    fs.symlinkSync("nowhere", at("dangling"));
    await writeFileAtomic(at("dangling"), "x");
    assertEquals(fs.readFileSync(at("dangling"), "utf8"), "x");
  });

  it("replaces a symbolic link itself if asked to", async () => {
    fs.writeFileSync(at("file"), "old");
    fs.symlinkSync("file", at("link"));
    await writeFileAtomic(at("link"), "new", { replaceLink: true });
    assertEquals([fs.readFileSync(at("file"), "utf8"), fs.readFileSync(at("link"), "utf8")], ["old", "new"]);
    assert(fs.lstatSync(at("link")).isFile());
  });

  it("removes what a killed program left of the same file, but not what another one is writing", async () => {
    fs.writeFileSync(at("file"), "old");
    fs.symlinkSync("file", at("link"));
    const temporary = ["file", "file", "other"].map((name, i) => `.${name}.01234567-89a${i}.tmp`);
    const [old, fresh, other] = temporary;
    for (const name of [...temporary, ".file.tmp"]) fs.writeFileSync(at(name), "part");
    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const name of [old, other, ".file.tmp"]) fs.utimesSync(at(name), longAgo, longAgo);
    await writeFileAtomic(at("link"), "new");
    assertEquals(names(), [fresh, ".file.tmp", other, "file", "link"]);
  });

  it("leaves nothing when the source fails, and the old file as it was", async () => {
    fs.writeFileSync(at("file"), "old");
    const failure = new Error("cut");
    for (const name of ["file", "fresh"]) {
      const { stream } = watchedSource(noise(300_000), 65536, failure);
      assertStrictEquals(await assertRejects(() => writeFileAtomic(at(name), stream)), failure);
    }
    assertEquals(names(), ["file"]);
    assertEquals(fs.readFileSync(at("file"), "utf8"), "old");
  });

  it("leaves nothing when it is aborted, and cancels the source", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let cancelled: unknown;
    const endless = new ReadableStream<Bytes>({
      pull(streamController) {
        if (names().length === 1) controller.abort(reason);
        streamController.enqueue(noise(1000));
      },
      cancel(why) {
        cancelled = why;
      },
    }, { highWaterMark: 0 });
    const writing = writeFileAtomic(at("file"), endless, { signal: controller.signal });
    assertStrictEquals(await assertRejects(() => writing), reason);
    assertEquals(names(), []);
    assertStrictEquals(cancelled, reason);
  });

  it("stops a source that never answers", async () => {
    const controller = new AbortController();
    const silent = new ReadableStream<Bytes>({ pull: () => new Promise(() => {}) }, { highWaterMark: 0 });
    const writing = writeFileAtomic(at("file"), silent, { signal: controller.signal });
    await until(() => names().length === 1);
    controller.abort();
    await assertRejects(() => writing);
    assertEquals(names(), []);
  });

  it("does nothing where it is aborted from the start, or the place does not exist", async () => {
    const source = watchedSource(noise(10), 10);
    await assertRejects(() => writeFileAtomic(at("file"), source.stream, { signal: AbortSignal.abort() }));
    assert(source.cancelled());
    const other = watchedSource(noise(10), 10);
    const error = await assertRejects(() => writeFileAtomic(at("none/file"), other.stream)) as { code: string };
    assertEquals(error.code, "ENOENT");
    assert(other.cancelled());
    fs.mkdirSync(at("directory"));
    const toDirectory = await assertRejects(() => writeFileAtomic(at("directory"), "x")) as { code: string };
    assertEquals(toDirectory.code, "EISDIR");
    assertEquals(names(), ["directory"]);
  });

  it("writes to a device or a fifo as it is", async () => {
    await writeFileAtomic("/dev/null", "x");
    assert(fs.statSync("/dev/null").isCharacterDevice());
    execFileSync("mkfifo", [at("fifo")]);
    const child = spawn("cat", [at("fifo")]);
    let read = "";
    child.stdout.on("data", (chunk) => read += chunk);
    const ended = new Promise((resolve) => child.on("close", resolve));
    await writeFileAtomic(at("fifo"), "through");
    assertEquals(await ended, 0);
    assertEquals(read, "through");
    assert(fs.statSync(at("fifo")).isFIFO());
  });

  it("says that the disk is full, and cancels the source", async () => {
    const source = watchedSource(noise(100_000), 1000);
    const error = await assertRejects(() => writeFileAtomic("/dev/full", source.stream)) as { code: string };
    assertEquals(error.code, "ENOSPC");
    await settled();
    assert(source.cancelled());
  });

  it("lets a temporary file be removed from outside", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    const source = new ReadableStream<Bytes>({
      async pull(controller) {
        controller.enqueue(noise(10));
        await held;
        controller.close();
      },
    }, { highWaterMark: 0 });
    const writing = writeFileAtomic(at("file"), source);
    await until(() => names().length === 1);
    assert(names()[0].startsWith(".file."));
    const other = await temporaryDirectory("gcrane-test-");
    removeTemporaries();
    // The directory of this test is itself a temporary.
    assertEquals([fs.existsSync(directory), fs.existsSync(other)], [false, false]);
    release();
    await assertRejects(() => writing);
  });
});

describe("openWriter", () => {
  it("writes chunk after chunk and knows where it is", async () => {
    const writer = await openWriter(at("file"), { mode: 0o600 });
    await writer.write(noise(300_000));
    assertEquals(writer.position, 300_000);
    await writer.write(new Uint8Array(0));
    await writer.write(noise(5, 2));
    await writer.sync();
    await writer.close();
    await writer.close();
    await writer.abort();
    assertEquals(fs.statSync(at("file")).size, 300_005);
    assertEquals(fs.statSync(at("file")).mode & 0o777, 0o600);
  });

  it("goes on where a file ends", async () => {
    fs.writeFileSync(at("file"), "abc");
    const writer = await openWriter(at("file"), { append: true });
    assertEquals(writer.position, 3);
    await writer.write(new TextEncoder().encode("def"));
    await writer.abort();
    assertEquals(fs.readFileSync(at("file"), "utf8"), "abcdef");
  });

  it("empties a file, or refuses one that is there", async () => {
    fs.writeFileSync(at("file"), "abc");
    const error = await assertRejects(() => openWriter(at("file"), { exclusive: true })) as { code: string };
    assertEquals(error.code, "EEXIST");
    await (await openWriter(at("file"))).close();
    assertEquals(fs.statSync(at("file")).size, 0);
  });

  it("removes the file when it is aborted", async () => {
    const writer = await openWriter(at("file"));
    await writer.write(noise(10));
    await writer.abort();
    assertEquals(names(), []);
  });

  it("is a stream too", async () => {
    const content = noise(300_000);
    const writer = await openWriter(at("file"));
    await streamOf(content, 7000).pipeTo(writer.stream);
    assertEquals(new Uint8Array(fs.readFileSync(at("file"))), content);
    const other = await openWriter(at("other"));
    const { stream } = watchedSource(content, 65536, new Error("cut"));
    await assertRejects(() => stream.pipeTo(other.stream));
    assertEquals(names(), ["file"]);
  });
});
