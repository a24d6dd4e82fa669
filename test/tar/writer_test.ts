import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import {
  type Bytes,
  readTar,
  type TarContent,
  type TarNewEntry,
  type TarWriteEntry,
  type TarWriteOptions,
  writeTar,
} from "../../src/tar/mod.ts";
import { archive, END, extended, header, list, only, record } from "../make/archives.ts";
import { assertSameBytes, joined, utf8 } from "../make/bytes.ts";
import { collect, streamOf } from "../make/streams.ts";

const made = (entries: Iterable<TarWriteEntry>, options?: TarWriteOptions) => collect(writeTar(entries, options));
const roundTrip = async (entry: TarNewEntry, options?: TarWriteOptions) =>
  (await only(await made([entry], options))).entry;
const refused = (entry: TarWriteEntry, message: string, options?: TarWriteOptions) =>
  assertRejects(() => made([entry], options), TarError, message);
const misused = (entry: TarWriteEntry, message: string) => assertRejects(() => made([entry]), TypeError, message);

describe("writeTar", () => {
  it("makes the bytes that POSIX says", async () => {
    const bytes = await made([{
      path: "a/b",
      content: utf8("hello"),
      mode: 0o640,
      uid: 1000,
      gid: 100,
      mtime: 1700000000,
      uname: "me",
      gname: "us",
    }]);
    const expected = header({
      name: "a/b",
      mode: "0000640\0",
      uid: "0001750\0",
      gid: "0000144\0",
      size: "00000000005\0",
      mtime: "14524770400\0",
      uname: "me",
      gname: "us",
      devMajor: "0000000\0",
      devMinor: "0000000\0",
    });
    assertSameBytes(bytes, archive(expected, utf8("hello")));
  });

  it("makes two zero blocks of nothing", async () => {
    assertEquals(await made([]), END);
  });

  it("pads to the blocking factor", async () => {
    const bytes = await made([{ path: "a" }], { blockingFactor: 20 });
    assertEquals(bytes.length, 10240);
    assertEquals(bytes.slice(512), new Uint8Array(10240 - 512));
    assertThrows(() => writeTar([], { blockingFactor: 0 }), RangeError, "blocking factor 0");
  });

  it("has defaults that depend on the type alone", async () => {
    const entries = await list(
      await made([
        { path: "f" },
        { path: "d", type: "directory" },
        { path: "s", type: "symlink", linkname: "f" },
      ]),
    );
    assertEquals(entries.map(({ entry }) => [entry.mode, entry.uid, entry.gid, entry.mtime, entry.uname]), [
      [0o644, 0, 0, 0, ""],
      [0o755, 0, 0, 0, ""],
      [0o777, 0, 0, 0, ""],
    ]);
  });

  it("takes content in every form", async () => {
    const hello = utf8("hello");
    const pieces = () => {
      const rest: Bytes[] = [utf8("he"), utf8("llo")];
      return { read: () => rest.length === 2 ? rest.shift() : Promise.resolve(rest.shift()) };
    };
    const forms: TarContent[] = [
      hello,
      streamOf(hello, 2),
      pieces(),
      () => hello,
      () => streamOf(hello, 2),
      () => pieces(),
      async () => await Promise.resolve(streamOf(hello, 2)),
    ];
    const entries = await list(await made(forms.map((content, i) => ({ path: `${i}`, size: 5, content }))));
    assertEquals(entries.map(({ content }) => content), forms.map(() => hello));
  });

  it("takes entries as they come", async () => {
    async function* entries(): AsyncGenerator<TarWriteEntry> {
      yield { path: "a", content: utf8("a") };
      await Promise.resolve();
      yield { path: "b" };
    }
    const listed = await list(await collect(writeTar(entries())));
    assertEquals(listed.map(({ entry, content }) => [entry.path, content.length]), [["a", 1], ["b", 0]]);
  });

  it("reads nothing before it is read", async () => {
    let asked = 0;
    function* entries(): Generator<TarWriteEntry> {
      asked++;
      yield { path: "a" };
    }
    const stream = writeTar(entries());
    await Promise.resolve();
    assertEquals(asked, 0);
    await collect(stream);
    assertEquals(asked, 1);
  });

  it("gathers small entries in batches and passes large pieces on without a copy", async () => {
    const large = new Uint8Array(100_000).fill(1);
    const small = Array.from({ length: 1000 }, (_, i) => ({ path: `small/${i}`, content: new Uint8Array(100) }));
    const reader = writeTar([...small, { path: "large", content: large }]).getReader();
    const chunks: Bytes[] = [];
    for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
    const sizes = chunks.map((chunk) => chunk.length);
    assertEquals(sizes.slice(0, 15), Array(15).fill(65536));
    assertEquals(sizes.slice(15), [1000 * 1024 + 512 - 15 * 65536, 100_000, 352 + 1024]);
    assertStrictEquals(chunks[16], large);
  });

  it("gives chunks that share no buffer with each other", async () => {
    const reader = writeTar(Array.from({ length: 300 }, (_, i) => ({ path: `${i}`, content: new Uint8Array(40_000) })))
      .getReader();
    const buffers = new Set<ArrayBuffer>();
    let chunks = 0;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      buffers.add(read.value.buffer);
      chunks++;
      structuredClone(read.value.buffer, { transfer: [read.value.buffer] });
    }
    assertEquals(buffers.size, chunks);
  });

  it("makes equal bytes of equal entries, in whatever order their records are", async () => {
    const pax: [string, string][] = [["VENDOR.b", "2"], ["SCHILY.xattr.user.a", "1"], ["VENDOR.a", "3"]];
    const path = "long/".repeat(80);
    const one = await made([{ path, pax }]);
    assertSameBytes(await made([{ path, pax: new Map(pax.toReversed()) }]), one);
    const body = joined(
      record("SCHILY.xattr.user.a", "1"),
      record("VENDOR.a", "3"),
      record("VENDOR.b", "2"),
      record("path", path),
    );
    const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
    const zero = octal(0, 7);
    const common = { uid: zero, gid: zero, mtime: octal(0, 11), devMajor: zero, devMinor: zero, mode: octal(0o644, 7) };
    assertSameBytes(
      one,
      archive(
        extended("x", body, { ...common, name: "././@PaxHeader", size: octal(body.length, 11) }),
        header({ ...common, name: path.slice(0, 100), size: octal(0, 11) }),
      ),
    );
  });

  it("counts the digits of a record's length", async () => {
    for (let length = 1; length < 1100; length += length < 120 || length > 960 ? 1 : 50) {
      const { pax } = await roundTrip({ path: "a", pax: [["k", "v".repeat(length)]] });
      assertEquals(pax.get("k")?.length, length);
    }
  });
});

describe("writeTar refuses", () => {
  it("content that is shorter or longer than its size", async () => {
    for (const content of [utf8("hello"), streamOf(utf8("hello")), () => streamOf(utf8("hello"), 2)] as TarContent[]) {
      await refused(
        { path: "a", size: 6, content },
        'the content of tar entry "a" is shorter than its size of 6 bytes',
      );
    }
    for (const content of [utf8("hello"), streamOf(utf8("hello")), () => streamOf(utf8("hello"), 2)] as TarContent[]) {
      await refused({ path: "a", size: 4, content }, 'the content of tar entry "a" is longer than its size of 4 bytes');
    }
    await refused({ path: "a", size: 1 }, "is shorter than its size of 1 bytes");
    await refused(
      { rawHeader: header({ size: 5 }), storedSize: 5, stored: utf8("hell") },
      "content of a raw tar entry is shorter",
    );
  });

  it("names with a NUL, and no name", async () => {
    await refused({ path: "a\0b" }, 'tar entry "a\\u0000b": its path holds a NUL');
    await refused({ path: "a", type: "link", linkname: "b\0" }, "its linkname holds a NUL");
    await refused({ path: "" }, "without a path");
    await refused({ path: "a", type: "symlink" }, 'tar entry "a": a symlink needs a linkname');
  });

  it("entries that make no sense", async () => {
    await misused({ path: "a", content: streamOf(utf8("a")) }, "content that is not in memory needs a size");
    await misused({ path: "a", size: -1, content: utf8("") }, "-1 is no size");
    await misused({ path: "a", size: 1.5, content: utf8("") }, "1.5 is no size");
    await misused({ path: "a", type: "directory", content: utf8("a") }, 'tar entry "a": a directory has no content');
    await misused({ path: "a", type: "unknown" }, "a typeflag of one character is needed");
    await misused({ path: "a", typeflag: "12" }, "a typeflag of one character is needed");
    await misused({ path: "a", typeflag: "5" }, 'typeflag "5" is not one of type "file"');
    await misused({ path: "a", type: "unknown", typeflag: "x" }, 'typeflag "x" is not one of type "unknown"');
    await misused({ path: "a", typeflag: "S" }, 'typeflag "S" is not one of type "file"');
    await misused({ path: "a", mode: -1 }, "mode -1 is no non-negative integer");
    await misused({ path: "a", uid: 1.5 }, "uid 1.5 is no safe integer");
    await misused({ path: "a", mtime: NaN }, "mtime NaN is no time");
    await misused({ path: "a", pax: [["a=b", "c"]] }, 'The key "a=b" of a PAX record');
    await misused({ rawHeader: new Uint8Array(100), storedSize: 0, stored: utf8("") }, "has 100 bytes");
  });
});

describe("writeTar lets go", () => {
  const spied = () => {
    const seen = { returned: 0, cancelled: undefined as unknown };
    function* entries(): Generator<TarWriteEntry> {
      try {
        yield { path: "a", content: new Uint8Array(100_000) };
        yield {
          path: "b",
          size: 1_000_000,
          content: new ReadableStream<Bytes>({
            pull: (controller) => controller.enqueue(new Uint8Array(65536)),
            cancel: (reason) => void (seen.cancelled = reason),
          }, { highWaterMark: 0 }),
        };
      } finally {
        seen.returned++;
      }
    }
    return { seen, entries };
  };

  it("of content and entries when it is cancelled", async () => {
    const { seen, entries } = spied();
    const reader = writeTar(entries()).getReader();
    await reader.read();
    await reader.read();
    await reader.read();
    await reader.read();
    await reader.cancel("enough");
    assertEquals(seen, { returned: 1, cancelled: "enough" });
  });

  it("of content and entries when content has the wrong size", async () => {
    const { seen, entries } = spied();
    const error = await assertRejects(() => collect(writeTar(entries())), TarError, '"b" is longer than its size');
    assertEquals(seen, { returned: 1, cancelled: error });
  });

  it("of an archive that it copies", async () => {
    const source = archive(header({ name: "a", size: 1_000_000 }), new Uint8Array(1_000_000));
    const stream = streamOf(source);
    const reader = writeTar(readTar(stream)).getReader();
    await reader.read();
    await reader.cancel();
    assertEquals(stream.locked, false);
  });

  it("when its signal is aborted, even while it waits", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let cancelled: unknown;
    const content = new ReadableStream<Bytes>({ cancel: (reason) => void (cancelled = reason) }, { highWaterMark: 0 });
    const reader = writeTar([{ path: "a", size: 1, content }], { signal: controller.signal }).getReader();
    const waiting = assertRejects(() => reader.read());
    await Promise.resolve();
    controller.abort(reason);
    assertStrictEquals(await waiting, reason);
    assertStrictEquals(cancelled, reason);
  });

  it("before it starts when its signal is aborted already", async () => {
    const reason = new Error("no");
    const stream = writeTar([{ path: "a" }], { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await assertRejects(() => collect(stream)), reason);
  });

  it("and passes on what entries and content fail with", async () => {
    const failure = new Error("the disk is gone");
    async function* failing(): AsyncGenerator<TarWriteEntry> {
      yield await Promise.resolve({ path: "a" });
      throw failure;
    }
    assertStrictEquals(await assertRejects(() => collect(writeTar(failing()))), failure);
    const content = new ReadableStream<Bytes>({ pull: (controller) => controller.error(failure) });
    assertStrictEquals(await assertRejects(() => made([{ path: "a", size: 1, content }])), failure);
    const opener = () => Promise.reject(failure);
    assertStrictEquals(await assertRejects(() => made([{ path: "a", size: 1, content: opener }])), failure);
  });
});
