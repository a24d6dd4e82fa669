import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { writeTar } from "../../src/tar/mod.ts";
import { executableOf } from "../../tools/bun.ts";
import { formatOf } from "../../tools/executable.ts";
import { checkMachOSignature, signMachO } from "../../tools/mach_o.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

/** Makes bytes with numbers and texts at offsets. */
function bytes(size: number, parts: Record<number, Uint8Array | number>): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(size);
  for (const [at, part] of Object.entries(parts)) {
    if (typeof part === "number") new DataView(made.buffer).setUint32(Number(at), part, true);
    else made.set(part, Number(at));
  }
  return made;
}

/** Makes the head of an ELF executable with two program headers, of which the second names a loader. */
const elf = (machine: number, loader: string) =>
  bytes(512, {
    0: ascii("\x7fELF"),
    18: machine,
    32: 64, // program headers,
    54: 56 | 2 << 16, // 56 bytes each, two of them
    64: 6,
    120: 3,
    128: 256,
    152: loader.length + 1,
    256: ascii(loader),
  });

/** Makes an executable of macOS of three pages, a part of one, and a signature that does not fit. */
const machO = (end = 3 * 4096 + 100) =>
  bytes(end + 50, {
    0: 0xfeedfacf,
    4: 0x01000007,
    16: 3,
    32: 0x19,
    36: 72,
    40: ascii("__TEXT"),
    80: 4096, // bytes in the file
    104: 0x19,
    108: 72,
    112: ascii("__LINKEDIT"),
    144: 8192, // offset in the file
    176: 0x1d,
    180: 16,
    184: end,
    188: 50,
  });

describe("the format of an executable", () => {
  it("is that of its head", () => {
    assertEquals(formatOf(elf(0x3e, "/lib64/ld-linux-x86-64.so.2")), "ELF x64 /lib64/ld-linux-x86-64.so.2");
    assertEquals(formatOf(elf(0xb7, "/lib/ld-musl-aarch64.so.1")), "ELF arm64 /lib/ld-musl-aarch64.so.1");
    assertEquals(formatOf(machO()), "Mach-O x64");
    assertEquals(formatOf(bytes(512, { 0: ascii("MZ"), 0x3c: 128, 128: ascii("PE\0\0"), 132: 0x8664 })), "PE x64");
  });

  it("is none of a script", () => {
    assertThrows(() => formatOf(ascii("#!/bin/sh\n")), Error, "not an executable: it begins with 23212f62");
  });
});

describe("the signature of an executable of macOS", () => {
  it("has a digest of each page", () => {
    const signed = signMachO(machO(), "gcrane");
    checkMachOSignature(signed);
    for (const at of [4, 5000, 3 * 4096 + 99]) {
      const changed = signed.slice();
      changed[at] ^= 1;
      assertThrows(() => checkMachOSignature(changed), Error, `page ${at >> 12} of the executable has another digest`);
    }
  });

  it("is the same if it is made again", () => {
    const signed = signMachO(machO(), "gcrane");
    assertEquals(signMachO(signed, "gcrane"), signed);
  });

  it("covers all of it", () => {
    const signed = signMachO(machO(), "gcrane");
    new DataView(signed.buffer).setUint32(3 * 4096 + 100 + 20 + 32, 4096);
    assertThrows(() => checkMachOSignature(signed), Error, "the signature covers 4096 of 12388 bytes");
  });

  it("must be there", () => {
    assertThrows(() => checkMachOSignature(machO().fill(0, 176, 180)), Error, "has no signature");
  });
});

describe("a package with Bun", () => {
  const pack = async (path: string) => {
    const archive = writeTar([{ path, content: ascii("bun") }]).pipeThrough(new CompressionStream("gzip"));
    const packed = new Uint8Array(await new Response(archive).arrayBuffer());
    return { packed, integrity: `sha512-${createHash("sha512").update(packed).digest("base64")}` };
  };

  it("gives its executable", async () => {
    for (const path of ["package/bin/bun", "package/bin/bun.exe"]) {
      const { packed, integrity } = await pack(path);
      assertEquals(await executableOf(packed, { package: "a", integrity }), ascii("bun"));
    }
  });

  it("is refused with another digest, or without one", async () => {
    const { packed, integrity } = await pack("package/bin/bun");
    const changed = await assertRejects(() => executableOf(packed, { package: "a", integrity: "sha512-AAAA" }), Error);
    assertStringIncludes(changed.message, `a has the digest ${integrity}, and tools/bun.ts sha512-AAAA`);
    const other = await pack("package/bin/other");
    await assertRejects(
      () => executableOf(other.packed, { package: "a", integrity: other.integrity }),
      Error,
      "a has no file bin/bun",
    );
  });
});
