import { before, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { TarError } from "../../src/errors.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { type Bytes, readTar, TarStream, type TarStreamInput, UntarStream, writeTar } from "../../src/tar/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { describeStdTar, loadStdTar, type StdEntry, type TarStreams } from "../make/std_tar.ts";

const LARGE = Uint8Array.from({ length: 3_000_001 }, (_, i) => i * i % 251);
const OPTIONS = { mode: 0o640, uid: 7, gid: 8, mtime: 1_700_000_000, uname: "me", gname: "us" };
/** Names that fill both fields of a ustar header, and one without a prefix. */
const NAMES = [`${"d".repeat(99)}/${"e".repeat(55)}/${"f".repeat(99)}`, "n".repeat(100), "ä/ö.txt"];

function inputs(): ReadableStream<TarStreamInput> {
  const file = (path: string, bytes: Bytes): TarStreamInput => ({
    type: "file",
    path,
    size: bytes.length,
    readable: streamOf(bytes),
    options: { ...OPTIONS },
  });
  const list: TarStreamInput[] = [
    { type: "directory", path: "dir/", options: { ...OPTIONS } },
    file("dir/a", utf8("hello\n")),
    file("empty", utf8("")),
    file("block", LARGE.slice(0, 512)),
    file("large", LARGE),
    ...NAMES.map((name) => file(name, utf8(name))),
    { type: "symlink", path: "link", linkname: "dir/a", options: { ...OPTIONS } },
  ];
  return streamOfInputs(list);
}

/** The bytes as a stream of copies: `@std/tar` transfers or changes the chunks that it takes. */
function streamOf(bytes: Bytes): ReadableStream<Bytes> {
  return new Blob([bytes]).stream();
}

function streamOfInputs(list: readonly TarStreamInput[]): ReadableStream<TarStreamInput> {
  return new ReadableStream({
    start(controller) {
      for (const input of list) controller.enqueue(input);
      controller.close();
    },
  });
}

/** The entries that an UntarStream gives, with the digests of their contents. */
async function untar(
  streams: TarStreams,
  bytes: Bytes,
): Promise<(Omit<StdEntry, "readable"> & { content?: string })[]> {
  const entries = [];
  for await (const { path, header, readable } of streamOf(bytes).pipeThrough(new streams.UntarStream())) {
    entries.push({
      path,
      header,
      content: readable && await digestBytes(await collect(readable as ReadableStream<Bytes>)),
    });
  }
  return entries;
}

describeStdTar("@std/tar", () => {
  const ours: TarStreams = { TarStream, UntarStream };
  let std: TarStreams;
  let archives: Bytes[];

  before(async () => {
    std = (await loadStdTar())!;
    // A name beyond ASCII has a PAX record in our default format.
    const writers = [new std.TarStream(), new TarStream({ format: "ustar" })];
    archives = await Promise.all(writers.map((writer) => collect(inputs().pipeThrough(writer))));
  });

  it("gives the entries that our UntarStream does, of what either wrote", async () => {
    for (const archive of archives) {
      const entries = await untar(ours, archive);
      assertEquals(entries.map(({ path }) => path), ["dir/", "dir/a", "empty", "block", "large", ...NAMES, "link"]);
      assertEquals(entries[4].content, await digestBytes(LARGE));
      assertEquals(await untar(std, archive), entries);
    }
  });

  it("writes what our reader reads as what ours writes", async () => {
    const [theirs, written] = await Promise.all(archives.map(async (archive) => {
      const facts = [];
      for await (const entry of readTar(streamOf(archive))) {
        const { path, type, mode, uid, gid, uname, gname, mtime, linkname, size, format } = entry;
        const content = await digestBytes(await entry.bytes());
        facts.push({ path, type, mode, uid, gid, uname, gname, mtime, linkname, size, format, content });
      }
      return facts;
    }));
    assertEquals(theirs, written);
    assertEquals(theirs[1].mode, OPTIONS.mode);
  });

  it("takes a PAX record for an entry, which may be passed over where it says nothing of the name", async () => {
    const pax = await collect(writeTar([{ path: "a", content: utf8("a"), mtime: 1.5 }, { path: "b" }]));
    const entries = await untar(std, pax);
    assertEquals(entries.map(({ path, header }) => [path, header.typeflag]), [
      ["././@PaxHeader", "x"],
      ["a", "0"],
      ["b", "0"],
    ]);
    assertEquals(
      entries.filter(({ header }) => header.typeflag === "0"),
      await untar(ours, pax).then((all) =>
        all.map((entry) => ({ ...entry, header: { ...entry.header, mtime: Math.floor(entry.header.mtime) } }))
      ),
    );
  });

  it("refuses what format ustar of ours does", async () => {
    for (const path of ["p".repeat(101), `${"p".repeat(156)}/a`, "p/".repeat(200)]) {
      const written = () => streamOfInputs([{ type: "directory", path }]);
      await assertRejects(() => collect(written().pipeThrough(new std.TarStream())));
      await assertRejects(() => collect(written().pipeThrough(new TarStream({ format: "ustar" }))), TarError);
    }
  });

  it("refuses content of another size, as ours does", async () => {
    for (const { TarStream } of [std, ours]) {
      const wrong: TarStreamInput = { type: "file", path: "a", size: 3, readable: streamOf(utf8("hello")) };
      await assertRejects(() => collect(streamOfInputs([wrong]).pipeThrough(new TarStream())));
    }
  });
});
