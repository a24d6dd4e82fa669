// The signature of an executable of macOS, which lists a digest for each page. The system ends a program at once if a
// page has another digest, and on ARM also one without a signature.
//
// Bun 1.4.5 signs what it compiles for ARM. For x64 it leaves the signature that Bun itself had, which does not fit any
// more. An ad hoc signature, as linkers make it, needs no certificate.

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

const SEGMENT = 0x19;
const CODE_SIGNATURE = 0x1d;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const VERSION = 0x20400;
/** Made ad hoc, as by a linker. */
const FLAGS = 0x20002;
const SHA_256 = 2;
const DIGEST_SIZE = 32;
const PAGE_BITS = 12;
const SUPER_BLOB_HEADER = 20;
const DIRECTORY_HEADER = 88;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** Returns where a load command is; segments are found by their name. */
function findCommand(bytes: Uint8Array, kind: number, name = ""): number {
  const data = view(bytes);
  let at = 32;
  for (let left = data.getUint32(16, true); left > 0; left--, at += data.getUint32(at + 4, true)) {
    if (data.getUint32(at, true) !== kind) continue;
    const found = new TextDecoder().decode(bytes.subarray(at + 8, at + 24)).replace(/\0.*$/s, "");
    if (name === "" || name === found) return at;
  }
  throw new Error(`the Mach-O executable has no ${name || "signature"}`);
}

/** Returns an executable with an ad hoc signature in place of the one it has. */
export function signMachO(bytes: Uint8Array, identifier: string): Uint8Array<ArrayBuffer> {
  const command = findCommand(bytes, CODE_SIGNATURE);
  const end = view(bytes).getUint32(command + 8, true);
  const pages = Math.ceil(end / 2 ** PAGE_BITS);
  const name = new TextEncoder().encode(`${identifier}\0`);
  const digests = DIRECTORY_HEADER + name.length;
  const size = digests + pages * DIGEST_SIZE;

  const signed = new Uint8Array(end + SUPER_BLOB_HEADER + size);
  signed.set(bytes.subarray(0, end));
  const data = view(signed);
  data.setUint32(command + 12, SUPER_BLOB_HEADER + size, true);
  const linkEdit = findCommand(bytes, SEGMENT, "__LINKEDIT");
  const linkEditSize = signed.length - Number(data.getBigUint64(linkEdit + 40, true));
  data.setBigUint64(linkEdit + 48, BigInt(linkEditSize), true);
  data.setBigUint64(linkEdit + 32, BigInt(Math.ceil(linkEditSize / 2 ** PAGE_BITS) * 2 ** PAGE_BITS), true);
  const text = findCommand(bytes, SEGMENT, "__TEXT");

  const directory = end + SUPER_BLOB_HEADER;
  const words = (at: number, values: readonly number[]) =>
    values.forEach((value, index) => data.setUint32(at + 4 * index, value));
  words(end, [SUPER_BLOB, SUPER_BLOB_HEADER + size, 1, 0, SUPER_BLOB_HEADER]);
  words(directory, [CODE_DIRECTORY, size, VERSION, FLAGS, digests, DIRECTORY_HEADER, 0, pages, end]);
  signed.set([DIGEST_SIZE, SHA_256, 0, PAGE_BITS], directory + 36);
  data.setBigUint64(directory + 72, data.getBigUint64(text + 48, true)); // the size of the main segment,
  data.setBigUint64(directory + 80, 1n); // which belongs to a program
  signed.set(name, directory + DIRECTORY_HEADER);
  for (let page = 0; page < pages; page++) {
    const content = signed.subarray(page << PAGE_BITS, Math.min((page + 1) << PAGE_BITS, end));
    signed.set(sha256(content), directory + digests + page * DIGEST_SIZE);
  }
  return signed;
}

/**
 * Checks the signature of an executable.
 *
 * @throws {Error} if it has none, or it does not cover the executable, or a page has another digest.
 */
export function checkMachOSignature(bytes: Uint8Array): void {
  const data = view(bytes);
  const signature = data.getUint32(findCommand(bytes, CODE_SIGNATURE) + 8, true);
  const directory = signature + data.getUint32(signature + 16);
  if (data.getUint32(directory) !== CODE_DIRECTORY) throw new Error("the signature does not begin with digests");
  const [digests, pages, end] = [16, 28, 32].map((field) => data.getUint32(directory + field));
  const [digestSize, kind, , pageBits] = bytes.subarray(directory + 36);
  if (kind !== SHA_256) throw new Error(`the signature has digests of kind ${kind}, and not SHA-256`);
  if (end !== signature) throw new Error(`the signature covers ${end} of ${signature} bytes`);
  for (let page = 0; page < pages; page++) {
    const content = bytes.subarray(page << pageBits, Math.min((page + 1) << pageBits, end));
    const listed = directory + digests + page * digestSize;
    if (Buffer.compare(sha256(content), bytes.subarray(listed, listed + digestSize)) !== 0) {
      throw new Error(`page ${page} of the executable has another digest than its signature`);
    }
  }
}
