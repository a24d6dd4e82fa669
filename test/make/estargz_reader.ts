// Reads eStargz layers by the words of stargz-snapshotter's docs/estargz.md, with node:zlib and no code of ours.
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { gunzipSync, inflateRawSync } from "node:zlib";
import type { Bytes } from "../../src/runtime/mod.ts";

/** A line of the table of contents, as it is in the JSON. */
export interface TocLine {
  name: string;
  type: string;
  size?: number;
  modtime?: string;
  linkName?: string;
  mode: number;
  uid: number;
  gid: number;
  userName?: string;
  groupName?: string;
  devMajor?: number;
  devMinor?: number;
  xattrs?: Record<string, string>;
  digest?: string;
  offset?: number;
  chunkOffset?: number;
  chunkSize?: number;
  chunkDigest?: string;
}

/** What is in a layer. */
export interface ReadEstargz {
  /** The digest of the table's JSON. */
  tocDigest: string;
  /** The lines of the table. */
  entries: TocLine[];
  /** The content of each file, put together of its chunks. */
  files: Map<string, Bytes>;
  /** Where the gzip members begin, the footer's last. */
  members: number[];
}

const FOOTER_SIZE = 51;

/**
 * Reads a layer as a snapshotter does: footer, table, then each chunk from its own gzip member. Verifies everything.
 */
export function readEstargz(layer: Bytes): ReadEstargz {
  const tocOffset = readFooter(layer.subarray(-FOOTER_SIZE));
  const { content, end } = inflateMember(layer, tocOffset);
  assertEquals(end, layer.length - FOOTER_SIZE, "the table is the last member before the footer");
  assertEquals(text(content, 0, 100), "stargz.index.json");
  const size = parseInt(text(content, 124, 12), 8);
  const json = content.slice(512, 512 + size);
  const padded = 512 + Math.ceil(size / 512) * 512;
  assertEquals(content.length, padded + 1024, "the archive ends behind the table");
  assert(content.subarray(512 + size).every((byte) => byte === 0));
  const toc = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  assertEquals(Object.keys(toc).sort(), ["entries", "version"]);
  assertEquals(toc.version, 1);
  const entries: TocLine[] = toc.entries;
  return { tocDigest: sha256(json), entries, files: readFiles(layer, entries), members: membersOf(layer) };
}

/** The footer's 51 bytes, one by one. @returns where the table's member begins */
function readFooter(footer: Bytes): number {
  assertEquals([...footer.subarray(0, 4)], [0x1f, 0x8b, 8, 4], "a gzip header with an extra field");
  assertEquals([...footer.subarray(10, 16)], [26, 0, 0x53, 0x47, 22, 0]);
  assertEquals(text(footer, 32, 6), "STARGZ");
  assertEquals([...footer.subarray(38)], [1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(gunzipSync(footer).length, 0);
  const digits = text(footer, 16, 16);
  assert(/^[0-9a-f]{16}$/.test(digits), digits);
  return parseInt(digits, 16);
}

function readFiles(layer: Bytes, entries: readonly TocLine[]): Map<string, Bytes> {
  const files = new Map<string, Bytes>();
  const offsets = new Set<number>();
  let last: TocLine | undefined;
  for (const [i, entry] of entries.entries()) {
    if (entry.type === "reg") {
      last = entry;
      files.set(entry.name, new Uint8Array(entry.size ?? 0));
      if (!entry.size) assertEquals([entry.offset, entry.chunkDigest], [undefined, undefined]);
    } else if (entry.type !== "chunk") {
      last = undefined;
    }
    if (last === undefined || !last.size) continue;
    assertEquals(entry.name, last.name);
    const at = entry.chunkOffset ?? 0;
    assertEquals(entry.chunkOffset === undefined, entry.type === "reg");
    const goesOn = entries[i + 1]?.type === "chunk";
    assertEquals((entry.chunkSize ?? 0) === 0, !goesOn, "the last chunk says no size, the others do");
    const size = entry.chunkSize || last.size - at;
    assert(!offsets.has(entry.offset!), `offset ${entry.offset} is there twice`);
    offsets.add(entry.offset!);
    const chunk = inflateMember(layer, entry.offset!).content.slice(0, size);
    assertEquals(chunk.length, size);
    assertEquals(sha256(chunk), entry.chunkDigest);
    files.get(last.name)!.set(chunk, at);
    if (!goesOn) assertEquals(sha256(files.get(last.name)!), last.digest);
  }
  return files;
}

/** Where the members of a gzip file begin. */
function membersOf(layer: Bytes): number[] {
  const members: number[] = [];
  for (let at = 0; at < layer.length;) {
    members.push(at);
    at = at === layer.length - FOOTER_SIZE ? layer.length : inflateMember(layer, at).end;
  }
  return members;
}

/** One gzip member with a plain header, its checksum verified. */
function inflateMember(layer: Bytes, at: number): { content: Uint8Array; end: number } {
  assertEquals([...layer.subarray(at, at + 4)], [0x1f, 0x8b, 8, 0], `a gzip member begins at ${at}`);
  assertEquals([...layer.subarray(at + 4, at + 8)], [0, 0, 0, 0], "its header holds no time");
  const inflate = inflateRawSync as unknown as (
    bytes: Uint8Array,
    options: { info: true },
  ) => { engine: { bytesWritten: number } };
  const end = at + 10 + inflate(layer.subarray(at + 10), { info: true }).engine.bytesWritten + 8;
  return { content: new Uint8Array(gunzipSync(layer.subarray(at, end))), end };
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(at, at + length)).split("\0")[0];
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
