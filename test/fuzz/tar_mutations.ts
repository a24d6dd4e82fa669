// Changes to an archive: of bytes, of header fields, of PAX records, of whole blocks, and cuts.

import type { Bytes } from "../../src/tar/mod.ts";
import { extended, header, padded, record } from "../make/archives.ts";
import { joined, latin1, utf8 } from "../make/bytes.ts";
import type { Random } from "../make/random.ts";

const BLOCK = 512;

/** The fields of a header block: offset and length. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  uname: [265, 32],
  gname: [297, 32],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
  atime: [345, 12],
  ctime: [357, 12],
  sparseOffset: [386, 12],
  sparseLength: [398, 12],
  sparseMore: [482, 1],
  realSize: [483, 12],
} as const satisfies Record<string, readonly [at: number, length: number]>;

const NUMBERS = [
  "",
  "0",
  "1",
  "1000",
  "777777777777",
  "00000000001\0",
  " 12 \0",
  "-1",
  "9",
  "0x10",
  "1e3",
  "\xff".repeat(12),
  "\x80" + "\0".repeat(11),
  "\x80" + "\0".repeat(10) + "\x07",
  "\x80\x7f" + "\xff".repeat(10),
  "\xff" + "\0".repeat(11),
  "\xbf" + "\xff".repeat(11),
];
const NAMES = [
  "",
  "/",
  ".",
  "..",
  "../../etc/passwd",
  "/etc/passwd",
  "a//b/./c/",
  "n".repeat(155),
  "\xff\xfe",
  "new\nline",
  ".wh..wh..opq",
  ".wh.dir",
  "dir",
  "dir/file",
  "a\0b",
  "\\x",
  "C:\\x",
];
const MAGICS = ["ustar\x0000", "ustar  \0", "", "ustar\0\0\0", "tar\0", "GNUtar "];
const TYPEFLAGS = "\x0001234567xgXLKSDMNVAZ\xff";
const PAX_KEYS = [
  "path",
  "linkpath",
  "size",
  "uid",
  "gid",
  "uname",
  "gname",
  "mtime",
  "atime",
  "ctime",
  "comment",
  "charset",
  "hdrcharset",
  "SCHILY.xattr.user.x",
  "SCHILY.realsize",
  "GNU.sparse.major",
  "GNU.sparse.minor",
  "GNU.sparse.name",
  "GNU.sparse.realsize",
  "GNU.sparse.size",
  "GNU.sparse.map",
  "GNU.sparse.numblocks",
  "GNU.sparse.offset",
  "GNU.sparse.numbytes",
];
const PAX_VALUES = [
  "",
  "0",
  "1",
  "5",
  "512",
  "1500",
  "-1",
  "-1.5",
  "1.999999999999",
  "99999999999999999999999",
  "9007199254740993",
  "1e9",
  "0x10",
  "NaN",
  " 1",
  "0,5",
  "0,5,10,5",
  "5,5,0,5",
  "0,99999999999999",
  "a",
  "../x",
  "dir/file",
  "\0",
  "\n",
  "x".repeat(5000),
];

type Mutation = (bytes: Bytes, random: Random) => Bytes;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  byte: (bytes, random) => {
    const copy = bytes.slice();
    for (let i = random.integer(1, 8); i > 0; i--) copy[random.integer(0, copy.length - 1)] = random.integer(0, 255);
    return copy;
  },
  bit: (bytes, random) => {
    const copy = bytes.slice();
    copy[random.integer(0, copy.length - 1)] ^= 1 << random.integer(0, 7);
    return copy;
  },
  field: (bytes, random) => {
    const at = random.pick(headersIn(bytes));
    return at === undefined ? bytes : withField(bytes, at, random);
  },
  "field twice": (bytes, random) => {
    const at = random.pick(headersIn(bytes));
    return at === undefined ? bytes : withField(withField(bytes, at, random), at, random);
  },
  cut: (bytes, random) =>
    bytes.slice(
      0,
      random.chance(0.5) ? random.integer(0, bytes.length) : BLOCK * random.integer(0, bytes.length / BLOCK),
    ),
  "without block": (bytes, random) => {
    const at = blockIn(bytes, random);
    return joined(bytes.slice(0, at), bytes.slice(at + BLOCK));
  },
  "block twice": (bytes, random) => {
    const at = blockIn(bytes, random);
    return joined(bytes.slice(0, at + BLOCK), bytes.slice(at));
  },
  "blocks swapped": (bytes, random) => {
    const [a, b] = [blockIn(bytes, random), blockIn(bytes, random)];
    const copy = bytes.slice();
    copy.set(bytes.subarray(a, a + BLOCK), b);
    copy.set(bytes.subarray(b, b + BLOCK), a);
    return copy;
  },
  "zero block": (bytes, random) => {
    const at = blockIn(bytes, random);
    return joined(bytes.slice(0, at), new Uint8Array(BLOCK), bytes.slice(at));
  },
  inserted: (bytes, random) => {
    const at = random.pick(headersIn(bytes)) ?? 0;
    return joined(bytes.slice(0, at), insertion(random), bytes.slice(at));
  },
  records: (bytes, random) => {
    const extensions = headersIn(bytes).filter((at) => "xgX".includes(String.fromCharCode(bytes[at + 156])));
    const at = random.pick(extensions);
    if (at === undefined) return joined(insertion(random), bytes);
    const size = Number.parseInt(new TextDecoder().decode(bytes.subarray(at + 124, at + 135)), 8) || 0;
    const flag = String.fromCharCode(bytes[at + 156]);
    const body = records(random, flag);
    return joined(bytes.slice(0, at), extended(flag, body), bytes.slice(at + BLOCK + Math.ceil(size / BLOCK) * BLOCK));
  },
  "record bytes": (bytes, random) => {
    const extensions = headersIn(bytes).filter((at) => "xgX".includes(String.fromCharCode(bytes[at + 156])));
    const at = random.pick(extensions);
    if (at === undefined) return bytes;
    const copy = bytes.slice();
    const offset = at + BLOCK + random.integer(0, 60);
    if (offset < copy.length) copy[offset] = random.pick([...latin1("0159 =\n,-.")]);
    return copy;
  },
};

/** Changes an archive in one to three ways, and notes them. */
export function mutateTar(bytes: Bytes, random: Random, trace: (line: string) => void): Bytes {
  for (let i = random.pick([1, 1, 1, 2, 2, 3]); i > 0 && bytes.length >= BLOCK; i--) {
    const [name, mutation] = random.pick(Object.entries(MUTATIONS));
    trace(name);
    bytes = mutation(bytes, random);
  }
  return bytes;
}

/** The offsets of the blocks whose checksum is right. */
function headersIn(bytes: Bytes): number[] {
  const found: number[] = [];
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    const stored = Number.parseInt(new TextDecoder("latin1").decode(bytes.subarray(at + 148, at + 154)), 8);
    if (stored > 256 && stored === checksum(bytes, at)) found.push(at);
  }
  return found;
}

function checksum(bytes: Bytes, at: number): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : bytes[at + i];
  return sum;
}

function blockIn(bytes: Bytes, random: Random): number {
  const at = random.chance(0.5) ? random.pick(headersIn(bytes)) : undefined;
  return at ?? BLOCK * random.integer(0, Math.max(0, Math.floor(bytes.length / BLOCK) - 1));
}

/** Sets a field of the header at `at`, mostly with a checksum that is right. */
function withField(bytes: Bytes, at: number, random: Random): Bytes {
  const [name, [offset, length]] = random.pick(Object.entries(FIELDS));
  const value = name === "typeflag"
    ? random.pick([...TYPEFLAGS])
    : name === "magic"
    ? random.pick(MAGICS)
    : ["name", "linkname", "uname", "gname", "prefix"].includes(name)
    ? random.pick(NAMES)
    : random.pick(NUMBERS);
  const copy = bytes.slice();
  if (random.chance(0.7)) copy.fill(0, at + offset, at + offset + length);
  copy.set(latin1(value).subarray(0, length), at + offset);
  if (name !== "checksum" && random.chance(0.95)) {
    copy.set(latin1(`${checksum(copy, at).toString(8).padStart(6, "0")}\0 `), at + 148);
  }
  return copy;
}

/** Extended headers or an entry, to stand before another one. */
function insertion(random: Random): Bytes {
  switch (random.integer(0, 5)) {
    case 0:
      return extended("x", records(random, "x"));
    case 1:
      return extended("g", records(random, "g"));
    case 2:
      return extended("L", utf8(`${random.pick(NAMES)}\0`), { magic: "ustar  \0" });
    case 3:
      return extended("K", utf8(`${random.pick(NAMES)}\0`), { magic: "ustar  \0" });
    case 4:
      return joined(
        extended("x", records(random, "x")),
        header({ typeflag: random.pick([..."0123456"]), name: "extra" }),
      );
    default: {
      const size = random.integer(0, 1100);
      return joined(header({ name: random.pick(NAMES), size }), padded(random.bytes(size)));
    }
  }
}

function records(random: Random, flag: string): Bytes {
  // Global records of a sparse file count for GNU tar alone.
  let keys = flag === "g" ? PAX_KEYS.filter((key) => !key.startsWith("GNU.sparse.")) : PAX_KEYS;
  const list = Array.from({ length: random.integer(1, 5) }, () => {
    const key = random.pick(keys);
    // Of a global record that comes twice, the first counts for GNU tar.
    if (flag === "g") keys = keys.filter((other) => other !== key);
    const well = record(key, latin1(random.pick(PAX_VALUES)));
    return random.chance(0.9) ? well : joined(utf8(random.pick(["-", "0", "1 ", "999999", "x"])), well);
  });
  return joined(...list);
}
