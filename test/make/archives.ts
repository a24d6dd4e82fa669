// Archives made by hand, block by block, so that what is tested has no part in what it is tested with.

import { type Bytes, type ByteStream, readTar, type TarEntry, type TarReadOptions } from "../../src/tar/mod.ts";
import { joined, latin1, utf8 } from "./bytes.ts";
import { streamOf } from "./streams.ts";

/** Fields of a header block; numbers become octal, text and bytes stand as they are. */
export interface HandMade {
  name?: string | Bytes;
  mode?: number | string;
  uid?: number | string;
  gid?: number | string;
  size?: number | string;
  mtime?: number | string;
  typeflag?: string;
  linkname?: string;
  /** Magic and version; `""` for v7. */
  magic?: string;
  uname?: string;
  gname?: string;
  devMajor?: number | string;
  devMinor?: number | string;
  /** Further text, by its offset. */
  at?: Record<number, string>;
  /** Added to the checksum to spoil it. */
  checksumOff?: number;
}

/** A header block. */
export function header(fields: HandMade): Bytes {
  const block = new Uint8Array(512);
  const put = (at: number, value: string | Bytes) => block.set(typeof value === "string" ? latin1(value) : value, at);
  const number = (at: number, digits: number, value: number | string = 0) =>
    put(at, typeof value === "string" ? value : value.toString(8).padStart(digits, "0"));
  put(0, fields.name ?? "file");
  number(100, 7, fields.mode ?? 0o644);
  number(108, 7, fields.uid);
  number(116, 7, fields.gid);
  number(124, 11, fields.size);
  number(136, 11, fields.mtime);
  put(156, fields.typeflag ?? "0");
  put(157, fields.linkname ?? "");
  put(257, fields.magic ?? "ustar\x0000");
  put(265, fields.uname ?? "");
  put(297, fields.gname ?? "");
  if (fields.devMajor !== undefined) number(329, 7, fields.devMajor);
  if (fields.devMinor !== undefined) number(337, 7, fields.devMinor);
  for (const [at, value] of Object.entries(fields.at ?? {})) put(Number(at), value);
  put(148, "        ");
  const sum = block.reduce((total, byte) => total + byte, 0) + (fields.checksumOff ?? 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** The bytes, padded to whole blocks. */
export function padded(bytes: Bytes): Bytes {
  return joined(bytes, new Uint8Array((512 - bytes.length % 512) % 512));
}

/** A PAX record, its length counted. */
export function record(key: string, value: string | Bytes): Bytes {
  const rest = joined(utf8(`${key}=`), typeof value === "string" ? utf8(value) : value, utf8("\n"));
  let length = rest.length + 2;
  while (`${length} `.length + rest.length !== length) length++;
  return joined(utf8(`${length} `), rest);
}

/** An extended header block with its body. */
export function extended(typeflag: string, body: Bytes, fields: HandMade = {}): Bytes {
  return joined(header({ name: "extended", typeflag, size: body.length, ...fields }), padded(body));
}

/** The end of an archive. */
export const END: Bytes = new Uint8Array(1024);

/** An archive of these parts, padded and ended. */
export function archive(...parts: readonly Bytes[]): Bytes {
  return joined(...parts.map(padded), END);
}

/** An entry with its content, as a plain object. */
export interface Listed {
  entry: TarEntry;
  content: Bytes;
}

/** Reads a whole archive. */
export async function list(source: Bytes | ByteStream, options?: TarReadOptions): Promise<Listed[]> {
  const listed: Listed[] = [];
  for await (const entry of readTar(source instanceof Uint8Array ? streamOf(source) : source, options)) {
    listed.push({ entry, content: await entry.bytes() });
  }
  return listed;
}

/** Reads the only entry of an archive. */
export async function only(source: Bytes, options?: TarReadOptions): Promise<Listed> {
  const listed = await list(source, options);
  if (listed.length !== 1) throw new Error(`the archive has ${listed.length} entries`);
  return listed[0];
}
