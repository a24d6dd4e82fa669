import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { hashHex, joinPath, openFile, readStream, remove, temporaryDirectory } from "../../src/runtime/mod.ts";
import { collect } from "../make/streams.ts";
import { noise } from "../make/bytes.ts";

let directory = "";
const at = (name: string) => joinPath(directory, name);
const content = noise(700_001);

beforeEach(async () => {
  directory = await temporaryDirectory();
  fs.writeFileSync(at("file"), content);
});
afterEach(() => remove(directory, { recursive: true }));

/** Returns the number of open files of the directory in this process, if the system reports it. */
function openCount(): number {
  return fs.readdirSync("/proc/self/fd").filter((number) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${number}`).startsWith(directory);
    } catch {
      return false;
    }
  }).length;
}

describe("openFile", () => {
  it("hashes parts of files side by side, up to the end of the file", async () => {
    fs.writeFileSync(at("large"), noise(9_000_000, 7));
    const [one, other] = [await openFile(at("large")), await openFile(at("file"))];
    const large = new Uint8Array(fs.readFileSync(at("large")));
    const [part, whole] = await Promise.all([
      one.hash("sha256", { offset: 1000, length: 8_500_000 }),
      other.hash("sha512", { offset: 0, length: Infinity }),
    ]);
    assertEquals(part, { hex: await hashHex(large.subarray(1000, 8_501_000), "sha256"), size: 8_500_000 });
    assertEquals(whole, { hex: await hashHex(content, "sha512"), size: content.length });
    assertEquals((await one.hash("sha256", { offset: 9_000_001, length: 5 })).size, 0);
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => one.hash("sha256", { offset: 0, length: 1, signal }), Error, "enough");
    await one.close();
    await other.close();
  });
  it("reads at any place, more than once", async () => {
    const file = await openFile(at("file"));
    const buffer = new Uint8Array(10);
    assertEquals(await file.read(buffer, 500_000), 10);
    assertEquals(buffer, content.slice(500_000, 500_010));
    assertEquals(await file.read(buffer, 700_000), 1);
    assertEquals(await file.read(buffer, 700_001), 0);
    assertEquals((await file.stat()).size, content.byteLength);
    await file.close();
    await file.close();
    assertEquals(openCount(), 0);
  });

  it("streams parts side by side and stays open", async () => {
    const file = await openFile(at("file"));
    const [all, part, none] = await Promise.all([
      collect(file.stream()),
      collect(file.stream({ offset: 300_000, length: 270_000 })),
      collect(file.stream({ offset: 700_001 })),
    ]);
    assertEquals(all, content);
    assertEquals(part, content.slice(300_000, 570_000));
    assertEquals(none.byteLength, 0);
    assertEquals(openCount(), 1);
    assertEquals((await collect(file.stream({ closeWhenDone: true }))).byteLength, content.byteLength);
    assertEquals(openCount(), 0);
  });

  it("refuses a symbolic link where it is told to", async () => {
    fs.symlinkSync("file", at("link"));
    const error = await assertRejects(() => openFile(at("link"), { noFollow: true })) as { code: string };
    assertEquals(error.code, "ELOOP");
    await (await openFile(at("link"))).close();
    await (await openFile(at("file"), { noFollow: true })).close();
  });

  it("does not wait for the writer of a fifo", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    const file = await openFile(at("fifo"), { noFollow: true });
    assertEquals((await file.stat()).kind, "fifo");
    await file.close();
  });

  it("knows the file that it has opened when another takes its place", async () => {
    const file = await openFile(at("file"));
    fs.writeFileSync(at("other"), "x");
    fs.renameSync(at("other"), at("file"));
    assertEquals((await file.stat()).size, content.byteLength);
    await file.close();
  });
});

describe("readStream", () => {
  it("reads all of a file, or a part, and closes it", async () => {
    assertEquals(await collect(readStream(at("file"))), content);
    const part = await collect(readStream(at("file"), { offset: 1, length: 262_145 }));
    assertEquals(part, content.slice(1, 262_146));
    assertEquals(await collect(readStream(at("file"), { length: 0 })), new Uint8Array(0));
    assertEquals(await collect(readStream(at("file"), { offset: 699_999, length: 100 })), content.slice(699_999));
    assertEquals(openCount(), 0);
  });

  it("opens the file at the first read and not before", async () => {
    const stream = readStream(at("none"));
    const error = await assertRejects(() => collect(stream)) as { code: string };
    assertEquals(error.code, "ENOENT");
    await readStream(at("none")).cancel();
  });

  it("closes the file when it is cancelled, even while it opens", async () => {
    const reader = readStream(at("file")).getReader();
    await reader.read();
    assertEquals(openCount(), 1);
    await reader.cancel();
    assertEquals(openCount(), 0);
    const other = readStream(at("file")).getReader();
    const first = other.read();
    await other.cancel();
    assert((await first).done);
    assertEquals(openCount(), 0);
  });

  it("stops with the reason of its signal and closes the file", async () => {
    const controller = new AbortController();
    const reader = readStream(at("file"), { signal: controller.signal }).getReader();
    await reader.read();
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => reader.read()), reason);
    assertEquals(openCount(), 0);
  });

  it("reads a fifo as it comes", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    const child = spawn("sh", ["-c", 'cat "$1" > "$2"', "sh", at("file"), at("fifo")]);
    const ended = new Promise((resolve) => child.on("close", resolve));
    assertEquals(await collect(readStream(at("fifo"))), content);
    assertEquals(await ended, 0);
  });
});
