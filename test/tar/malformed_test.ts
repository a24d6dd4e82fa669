import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LimitError, TarError } from "../../src/errors.ts";
import { type Bytes, readTar } from "../../src/tar/mod.ts";
import { archive, END, extended, header, list, padded, record } from "../make/archives.ts";
import { joined, latin1, utf8 } from "../make/bytes.ts";
import { streamOf } from "../make/streams.ts";

const BIG = "\x80\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/** Archives that must be refused, and what the error must say. */
const REFUSED: Record<string, [archive: Bytes, message: string]> = {
  "a header cut off": [
    header({}).slice(0, 300),
    "tar archive ends at offset 300, inside a header: 212 bytes are missing",
  ],
  "content cut off": [
    joined(header({ name: "dir/big", size: 2000 }), new Uint8Array(100)),
    'tar archive ends at offset 612, inside "dir/big": 1900 of its 2000 bytes are missing',
  ],
  "content that never comes": [
    header({ name: "huge", size: 8 ** 7 }),
    'tar archive ends at offset 512, inside "huge": 2097152 of its 2097152 bytes are missing',
  ],
  "an extended header cut off": [
    extended("x", record("path", "p".repeat(600))).slice(0, 600),
    'tar archive ends at offset 600, inside an extended header of type "x": 936 bytes are missing',
  ],
  "a long name cut off": [
    extended("L", utf8("name\0")).slice(0, 512),
    'tar archive ends at offset 512, inside an extended header of type "L": 512 bytes are missing',
  ],
  "an extended header with no entry after it": [
    extended("x", record("path", "a")),
    "tar archive ends at offset 1024, inside a header: 512 bytes are missing",
  ],
  "the end where an extended header wants its entry": [
    joined(extended("x", record("path", "a")), END),
    "tar header at offset 1024 is a zero block where an entry belongs to the records before it",
  ],
  "a lone zero block between entries": [
    joined(header({}), new Uint8Array(512), header({}), END),
    "tar header at offset 1024 follows a lone zero block",
  ],
  "a checksum that is wrong": [
    archive(header({ name: "first" }), header({ checksumOff: 1 })),
    "tar header at offset 512 has the checksum 3454, but its bytes give 3453",
  ],
  "a checksum that is no number": [
    archive(joined(header({}).slice(0, 148), latin1("what?!\0 "), header({}).slice(156))),
    'tar header at offset 0 has the checksum "what?!", but its bytes give 3453',
  ],
  "bytes that are no archive": [
    utf8("no archive ".repeat(100)),
    "tar header at offset 0 has the checksum",
  ],
  "a size that is no number": [
    archive(header({ size: "12x45678901" })),
    'tar entry "file" at offset 0: its size "12x45678901\\u0000" is no number',
  ],
  "a size in octal with a sign": [
    archive(header({ size: "-0000000001" })),
    'tar entry "file" at offset 0: its size "-0000000001\\u0000" is no number',
  ],
  "a negative size": [
    archive(header({ size: "\xff".repeat(12) })),
    'tar entry "file" at offset 0: its size is negative (-1)',
  ],
  "a size past the safe integers": [archive(header({ size: BIG })), "is too large"],
  "a time far below the safe integers": [
    archive(header({ mtime: "\xff\x00".repeat(6) })),
    "is too large",
  ],
  "a device number below zero": [
    archive(header({ typeflag: "3", devMajor: "\xff".repeat(8) })),
    'tar entry "file" at offset 0: its devMajor is negative (-1)',
  ],
  "a global number without end": [
    archive(extended("g", record("uid", "0".repeat(65)))),
    "tar header at offset 0 has a global uid of 65 characters",
  ],
  "a mode that is no number": [
    archive(header({ mode: "rwxr-xr" })),
    'tar entry "file" at offset 0: its mode "rwxr-xr\\u0000" is no number',
  ],
  "an id that is no number": [archive(header({ uid: "89" })), "its uid"],
  "a device number that is no number": [archive(header({ typeflag: "3", devMajor: "x" })), "its devMajor"],
  "a long name with a negative size": [
    archive(header({ typeflag: "L", size: "\xff".repeat(12) })),
    "tar header at offset 0 has a size that is negative",
  ],
  "an extended header whose size is no number": [
    archive(header({ typeflag: "x", size: "many" })),
    "tar header at offset 0 has a size that is no number",
  ],
  "an extended header whose size is too large to count": [
    archive(header({ typeflag: "g", size: BIG })),
    "tar header at offset 0 has a size that is too large",
  ],
  "a PAX record without a length": [
    archive(extended("x", utf8("path=a\n")), header({})),
    "tar header at offset 0 is not well formed: a PAX record at byte 0 has no proper length",
  ],
  "a PAX record with a length and no more": [
    archive(extended("x", utf8("12")), header({})),
    "a PAX record at byte 0 has no proper length",
  ],
  "a PAX record with a length of 0": [archive(extended("x", utf8("0 a=b\n")), header({})), "has no proper length"],
  "a PAX record with a negative length": [archive(extended("x", utf8("-6 a=b\n")), header({})), "has no proper length"],
  "a PAX record shorter than its own length": [archive(extended("x", utf8("2 a=b\n")), header({})), "no proper length"],
  "a PAX record longer than what is left": [
    archive(extended("x", joined(record("a", "b"), utf8("30 path=a\n"))), header({})),
    "is not well formed: a PAX record at byte 6 has a length of 30 bytes where 10 are left",
  ],
  "a PAX record whose length is past the safe integers": [
    archive(extended("x", utf8("99999999999999999999 path=a\n")), header({})),
    "where 28 are left",
  ],
  "a PAX record that ends in the middle of another": [
    archive(extended("x", utf8("8 a=bcd?6 b=c\n")), header({})),
    "the PAX record at byte 0 does not end in a newline",
  ],
  "a PAX record without an equals sign": [
    archive(extended("x", utf8("7 path\n6 a=b\n")), header({})),
    'the PAX record at byte 0 has no "="',
  ],
  "a PAX record without a key": [
    archive(extended("x", utf8("5 =b\n")), header({})),
    "the PAX record at byte 0 has no key",
  ],
  "a PAX path with a NUL": [
    archive(extended("x", record("path", "a\0b")), header({})),
    'the PAX record "path" holds a NUL',
  ],
  "a PAX size that is negative": [
    archive(extended("x", record("size", "-1")), header({})),
    'tar entry "file" at offset 0: its size is negative (-1)',
  ],
  "a PAX size that is no number": [
    archive(extended("x", record("size", "0x10")), header({})),
    'tar entry "file" at offset 0: its size "0x10" is no number',
  ],
  "a PAX size past the safe integers": [
    archive(extended("x", record("size", "9007199254740993")), header({})),
    'its size "9007199254740993" is too large',
  ],
  "a PAX time that is no number": [
    archive(extended("x", joined(record("path", "a\nb"), record("mtime", "1e5"))), header({})),
    'tar entry "a\\nb" at offset 0: its mtime "1e5" is no number',
  ],
  "a PAX access time that is no number": [
    archive(extended("x", record("atime", "now")), header({})),
    'its atime "now" is no number',
  ],
  "a global PAX id that is no number": [
    archive(extended("g", record("uid", "root")), header({})),
    'its uid "root" is no number',
  ],
};

describe("readTar refuses", () => {
  for (const [name, [bytes, message]] of Object.entries(REFUSED)) {
    it(name, async () => {
      const error = await assertRejects(() => list(bytes), TarError, message);
      assert(!error.message.includes("\n"), error.message);
      // Byte by byte, the same.
      const slow = await assertRejects(() => list(streamOf(bytes, 1)), TarError);
      assertEquals(slow.message, error.message);
    });
  }

  it("gzip, and says what to do", async () => {
    const error = await assertRejects(() => list(joined(latin1("\x1f\x8b\x08"), new Uint8Array(600))), TarError);
    assertEquals(error.hint, "it looks like gzip: decompress it first");
  });

  it("again, after it was asked to go on", async () => {
    const reader = readTar(streamOf(header({ checksumOff: 1 })));
    const first = await assertRejects(() => reader.next(), TarError);
    assertEquals(await assertRejects(() => reader.next(), TarError), first);
  });

  it("content that is cut off, to whoever reads it", async () => {
    const cut = joined(header({ name: "a", size: 2000 }), new Uint8Array(1500));
    for await (const entry of readTar(streamOf(cut, 700))) {
      await assertRejects(() => new Response(entry.readable).arrayBuffer(), TarError, "500 of its 2000 bytes");
      await assertRejects(() => entry.bytes(), TarError, "500 of its 2000 bytes");
      break;
    }
  });
});

describe("readTar limits", () => {
  it("an extended header, before it is read", async () => {
    const error = await assertRejects(
      () => list(header({ typeflag: "x", size: 8 ** 10 })),
      LimitError,
      "tar headers at offset 0 have 1073742336 bytes or more, the limit is 1048576",
    );
    assertEquals(error.code, "LIMIT_EXCEEDED");
  });

  it("long names", async () => {
    await assertRejects(() => list(header({ typeflag: "L", size: 2 ** 20 })), LimitError);
  });

  it("extended headers without end", async () => {
    const endless = joined(...Array.from({ length: 2100 }, () => header({ typeflag: "x" })));
    await assertRejects(() => list(endless), LimitError);
  });

  it("global records that pile up", async () => {
    const globals = Array.from({ length: 30 }, (_, i) => extended("g", record(`VENDOR.${i}`, "v".repeat(100))));
    const options = { maxHeaderSize: 2048 };
    await assertRejects(() => list(archive(...globals), options), LimitError, "global records of");
    assertEquals(await list(archive(...globals.slice(0, 15)), options), []);
  });

  it("many global records", async () => {
    const globals = Array.from({ length: 1001 }, (_, i) => extended("g", record(`VENDOR.${i}`, "v")));
    await assertRejects(() => list(archive(...globals)), LimitError, "1001 global records in force, the limit is 1000");
    assertEquals(await list(archive(...globals.slice(0, 1000))), []);
  });

  it("as asked", async () => {
    const one = archive(extended("x", record("comment", "c".repeat(400))), header({}));
    assertEquals((await list(one, { maxHeaderSize: 1024 })).length, 1);
    await assertRejects(() => list(one, { maxHeaderSize: 1023 }), LimitError);
  });
});

describe("readTar accepts", () => {
  const whole = joined(header({ name: "a", size: 3 }), padded(utf8("abc")));

  it("an archive without the zero blocks", async () => {
    assertEquals((await list(whole)).map(({ content }) => content), [utf8("abc")]);
  });

  it("an archive with one zero block", async () => {
    assertEquals((await list(joined(whole, new Uint8Array(512)))).length, 1);
  });

  it("an archive whose last padding is cut off", async () => {
    assertEquals((await list(whole.slice(0, 512 + 3))).map(({ content }) => content), [utf8("abc")]);
  });

  it("anything after the zero blocks, and reads all of it", async () => {
    let read = 0;
    const counted = streamOf(joined(whole, END, utf8("rubbish ".repeat(1000))), 100).pipeThrough(
      new TransformStream<Bytes, Bytes>({
        transform(chunk, controller) {
          read += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
    assertEquals((await list(counted)).length, 1);
    assertEquals(read, 1024 + 1024 + 8000);
  });
});
