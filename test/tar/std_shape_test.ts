import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import {
  type Bytes,
  type TarEntry,
  TarStream,
  type TarStreamInput,
  type TarWriteEntry,
  UntarStream,
  writeTar,
} from "../../src/tar/mod.ts";
import { archive, extended, header, list, record } from "../make/archives.ts";
import { collect, streamOf } from "../make/streams.ts";
import { utf8 } from "../make/bytes.ts";

/** Entries as a stream. */
function inputs(...list: (TarStreamInput | TarWriteEntry)[]): ReadableStream<TarStreamInput | TarWriteEntry> {
  return new ReadableStream({
    start(controller) {
      for (const input of list) controller.enqueue(input);
      controller.close();
    },
  });
}

const ARCHIVE = archive(
  header({ name: "a", size: 1000, uname: "me", at: { 345: "dir" } }),
  new Uint8Array(1000).fill(7),
  extended("x", record("path", "p".repeat(200))),
  header({ name: "b", size: 5 }),
  utf8("hello"),
  header({ name: "c", typeflag: "2", linkname: "b" }),
  header({ name: "d", magic: "", typeflag: "\0" }),
);

describe("UntarStream", () => {
  it("gives entries in the shape of @std/tar", async () => {
    const seen: [string, string, string, number | undefined][] = [];
    for await (const entry of streamOf(ARCHIVE, 300).pipeThrough(new UntarStream())) {
      const { path, header, readable } = entry;
      const content = readable && (await collect(readable)).length;
      seen.push([path, header.typeflag, header.linkname, content]);
    }
    assertEquals(seen, [
      ["dir/a", "0", "", 1000],
      ["p".repeat(200), "0", "", 5],
      ["c", "2", "b", undefined],
      ["d", "0", "", 0],
    ]);
  });

  it("gives the header's own fields", async () => {
    const [first, , , last] = await drained(ARCHIVE);
    assertEquals(first.header, {
      name: "a",
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 1000,
      mtime: 0,
      typeflag: "0",
      linkname: "",
      magic: "ustar\0",
      version: "00",
      uname: "me",
      gname: "",
      devmajor: "",
      devminor: "",
      prefix: "dir",
    });
    assertEquals(Object.keys(last.header), ["name", "mode", "uid", "gid", "size", "mtime", "typeflag", "linkname"]);
  });

  it("gives all that is known of an entry", async () => {
    const [, second] = await drained(ARCHIVE);
    assertEquals(second.pax.get("path"), utf8("p".repeat(200)));
  });

  it("gives byte streams, whose chunks may be transferred", async () => {
    for await (const { readable, path } of streamOf(ARCHIVE, 5000).pipeThrough(new UntarStream())) {
      if (readable === undefined) continue;
      const reader = readable.getReader({ mode: "byob" });
      let size = 0;
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(300));
        if (done) break;
        size += value.length;
        structuredClone(value, { transfer: [value.buffer] });
      }
      assertEquals(size, { "dir/a": 1000, ["p".repeat(200)]: 5, "d": 0 }[path]);
    }
  });

  it("waits until content is read or cancelled, even if a pipe asks for more", async () => {
    const names = new TransformStream<TarEntry, TarEntry>(undefined, { highWaterMark: 4 }, {
      highWaterMark: 4,
    });
    const sizes = [];
    for await (const { readable } of streamOf(ARCHIVE, 300).pipeThrough(new UntarStream()).pipeThrough(names)) {
      // Enough turns for the pipe to ask for all that it can.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      if (sizes.length === 1) await readable?.cancel();
      sizes.push(readable && sizes.length !== 1 ? (await collect(readable)).length : undefined);
    }
    assertEquals(sizes, [1000, undefined, undefined, 0]);
  });

  it("passes on errors", async () => {
    await assertRejects(() => drained(ARCHIVE.slice(0, 700)), TarError, 'inside "dir/a"');
    await assertRejects(() => drained(ARCHIVE.slice(0, 2100)), TarError, "inside an extended header");
  });

  it("may be cancelled while it waits, for content or for an entry", async () => {
    for (const part of [700, 5000]) {
      const untar = new UntarStream();
      const writer = untar.writable.getWriter();
      const written = writer.write(ARCHIVE.slice(0, part)).catch(() => {});
      const entries = untar.readable.getReader();
      const readable = (await entries.read()).value?.readable;
      const content = readable?.getReader();
      for (let size = 0; size < Math.min(1000, part - 512);) size += (await content?.read())?.value?.length ?? 0;
      const waiting = part === 700 ? content?.read() : entries.read();
      if (part === 700) await content?.cancel();
      await entries.cancel();
      const end = await waiting;
      assertEquals(part === 700 ? end?.value : undefined, undefined);
      await assertRejects(() => writer.write(ARCHIVE.slice(part)));
      await written;
    }
  });

  it("cancels its source when the loop is left", async () => {
    let cancelled = false;
    const source = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(ARCHIVE.slice(0, 512)),
      cancel: () => void (cancelled = true),
    });
    for await (const entry of source.pipeThrough(new UntarStream())) {
      assertEquals(entry.path, "dir/a");
      await entry.readable?.cancel();
      break;
    }
    assert(cancelled);
  });
});

async function drained(bytes: Bytes): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of streamOf(bytes, 300).pipeThrough(new UntarStream())) {
    entries.push(entry);
    if (entry.readable) await collect(entry.readable);
  }
  return entries;
}

describe("TarStream", () => {
  it("takes the inputs of @std/tar", async () => {
    const options = {
      mode: 0o600,
      uid: 1,
      gid: 2,
      mtime: 3,
      uname: "me",
      gname: "us",
      devmajor: "0000012",
      devminor: "",
    };
    const archive = inputs(
      { type: "directory", path: "dir/" },
      { type: "file", path: "dir/a", size: 5, readable: new Blob(["hello"]).stream(), options },
      { type: "symlink", path: "b", linkname: "dir/a", options: {} },
    ).pipeThrough(new TarStream());
    const entries = await list(archive);
    assertEquals(entries.map(({ entry, content }) => [entry.path, entry.type, entry.mode, entry.linkname, content]), [
      ["dir/", "directory", 0o755, "", utf8("")],
      ["dir/a", "file", 0o600, "", utf8("hello")],
      ["b", "symlink", 0o777, "dir/a", utf8("")],
    ]);
    const { uid, gid, mtime, uname, gname, rawHeader } = entries[1].entry;
    assertEquals([uid, gid, mtime, uname, gname], [1, 2, 3, "me", "us"]);
    assertEquals(rawHeader.slice(329, 337), utf8("0000012\0"));
  });

  it("takes whatever writeTar takes", async () => {
    const all: TarWriteEntry[] = [
      { type: "global", pax: [["comment", "c"]] },
      { path: "p".repeat(300), content: utf8("a") },
      { type: "fifo", path: "f" },
    ];
    const expected = await collect(writeTar([
      { type: "global", pax: [["comment", "c"]] },
      { path: "p".repeat(300), content: utf8("a") },
      { type: "fifo", path: "f" },
    ]));
    assertEquals(await collect(inputs(...all).pipeThrough(new TarStream())), expected);
  });

  it("takes the entries of an UntarStream and writes the same bytes", async () => {
    const map = Uint8Array.of(
      ...record("GNU.sparse.numblocks", "1"),
      ...record("GNU.sparse.map", "0,0"),
      ...record("GNU.sparse.size", "4096"),
    );
    const hole = Uint8Array.of(...extended("x", map), ...header({ name: "hole" }));
    const source = archive(extended("g", record("comment", "c")), header({ name: "f", typeflag: "6" }));
    const archives = [ARCHIVE, archive(hole, header({ name: "after" })), archive(header({ name: "empty" }), hole)];
    for (const bytes of archives) {
      assertEquals(
        await collect(streamOf(bytes, 300).pipeThrough(new UntarStream()).pipeThrough(new TarStream())),
        bytes,
      );
    }
    const passed = await list(streamOf(source, 300).pipeThrough(new UntarStream()).pipeThrough(new TarStream()));
    assertEquals(passed.map(({ entry }) => [entry.path, entry.globals.get("comment")]), [["f", utf8("c")]]);
  });

  it("takes options", async () => {
    const bytes = await collect(inputs().pipeThrough(new TarStream({ blockingFactor: 20 })));
    assertEquals(bytes, new Uint8Array(10240));
  });

  it("fails when content has the wrong size, and cancels its input", async () => {
    let cancelled = false;
    const source = new ReadableStream<TarStreamInput>({
      pull: (controller) =>
        controller.enqueue({ type: "file", path: "a", size: 3, readable: new Blob(["hello"]).stream() }),
      cancel: () => void (cancelled = true),
    });
    await assertRejects(() => collect(source.pipeThrough(new TarStream())), TarError, "is longer than its size of 3");
    assert(cancelled);
  });
});
