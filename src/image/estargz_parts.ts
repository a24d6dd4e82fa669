/** Cuts an archive into what become the gzip members of an eStargz layer, and makes its table of contents on the way. */

import { type Bytes, type ByteStream, hashHex, type StreamingHash, streamingHash } from "../runtime/mod.ts";
import { cleanEntryPath, encodeTarHeader, readTar, rewriteEntry, type TarEntry, writeTar } from "../tar/mod.ts";
import { GlobalsInForce } from "../tar/internal.ts";
import { EstargzToc, type EstargzTocEntry, tocEntryOf } from "./estargz_toc.ts";

/** Options of {@linkcode estargzParts}. */
export interface EstargzOptions {
  /**
   * The most bytes of a file in one gzip member, which is what a lazy reader fetches at a time.
   *
   * @default {4194304}
   */
  chunkSize?: number;
  /**
   * Ends the reading: the source is cancelled, and pending reads fail with the signal's reason.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
}

/** The beginning of a gzip member, which holds the pieces up to the next member. */
export interface EstargzMember {
  /** Sets the offset of the member in the layer, before the next piece is requested. */
  place(offset: number): void;
}

/** The facts that are known at the end of the archive. */
export interface EstargzEnd {
  /** The digest of the table of contents. */
  readonly tocDigest: `sha256:${string}`;
}

const TOC_NAME = "stargz.index.json";
/** The name of the entry that turns prefetching off. */
const LANDMARK = ".no.prefetch.landmark";
/** The entries that an eStargz layer adds to an archive: they are made anew. */
const RESERVED: ReadonlySet<string> = new Set([TOC_NAME, LANDMARK, ".prefetch.landmark"]);
const NOTHING: Bytes = new Uint8Array(0);
const DEFAULT_CHUNK_SIZE = 4 * 1024 * 1024;
/** The zeros at the end of an archive: two blocks. */
const END_SIZE = 1024;

/**
 * Yields the archive of an eStargz layer (stargz-snapshotter, docs/estargz.md), in pieces, and where gzip members
 * begin: the source's entries, unchanged, after a landmark and before the table of contents. The last
 * member is that of the table. The table has the last one of entries with the same name, as extraction does.
 *
 * One piece of the source and the table are in memory at a time.
 *
 * Throws a {@linkcode TarError} where the archive is corrupt, ends early or has an entry that a table can't express.
 *
 * @throws {RangeError} If the size of chunks is not a positive integer.
 */
export async function* estargzParts(
  source: ByteStream,
  options: EstargzOptions = {},
): AsyncGenerator<Bytes | EstargzMember, EstargzEnd, undefined> {
  const { chunkSize = DEFAULT_CHUNK_SIZE, signal } = options;
  if (!Number.isSafeInteger(chunkSize) || chunkSize < 1) {
    throw new RangeError(`chunkSize must be a whole number from 1 on, not ${chunkSize}`);
  }
  const toc = new EstargzToc();
  const globals = new GlobalsInForce();
  const landmark = writeTar([{ path: LANDMARK, content: Uint8Array.of(0xf) }]);
  yield { place() {} };
  for await (const entry of readTar(landmark)) yield* entryParts(entry, toc, chunkSize);
  for await (const entry of readTar(source, { signal })) {
    if (RESERVED.has(cleanEntryPath(entry.path))) continue;
    const records = globals.bring(entry.globals);
    if (records !== undefined) yield records;
    toc.inherit(entry);
    yield* entryParts(entry, toc, chunkSize);
  }
  const revocation = globals.bring();
  if (revocation !== undefined) yield revocation;
  yield { place() {} };
  const table = toc.bytes();
  yield encodeTarHeader({ path: TOC_NAME, size: table.length });
  yield table;
  yield new Uint8Array(paddingAfter(table.length) + END_SIZE);
  return { tocDigest: `sha256:${await hashHex(table, "sha256")}` };
}

/** Encodes the last bytes of an eStargz layer: an empty gzip member with the offset of the table's member. */
export function estargzFooter(tocOffset: number): Bytes {
  const where = new TextEncoder().encode(`${tocOffset.toString(16).padStart(16, "0")}STARGZ`);
  return Uint8Array.from([
    ...[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff], // the header of RFC 1952, with an extra field
    ...[where.length + 4, 0, 0x53, 0x47, where.length, 0, ...where], // with one subfield, "SG"
    ...[1, 0, 0, 0xff, 0xff], // a last block, stored and empty
    ...[0, 0, 0, 0, 0, 0, 0, 0], // checksum and length of nothing
  ]);
}

async function* entryParts(
  entry: TarEntry,
  toc: EstargzToc,
  chunkSize: number,
): AsyncGenerator<Bytes | EstargzMember, void, undefined> {
  const first = tocEntryOf(entry);
  const chunks = [first];
  // The table has the digest of a sparse file with its holes.
  yield entry.sparse ? encodeTarHeader(rewriteEntry(entry)) : entry.rawHeader;
  if (first.type === "reg") {
    const whole = entry.size > chunkSize ? await streamingHash("sha256") : undefined;
    const read = cutter(entry);
    for (let at = 0; at < entry.size; at += chunkSize) {
      const chunk = at === 0 ? first : { name: entry.path, type: "chunk" as const, chunkOffset: at };
      if (chunk !== first) chunks.push(chunk);
      yield* chunkParts(chunk, { size: Math.min(chunkSize, entry.size - at), read, whole });
      // The last one goes to the end of the file.
      if (at + chunkSize < entry.size) chunk.chunkSize = chunkSize;
    }
    const padding = paddingAfter(entry.size);
    if (padding > 0) yield new Uint8Array(padding);
    first.digest = whole
      ? `sha256:${await whole.hex()}`
      : first.chunkDigest ?? `sha256:${await hashHex(NOTHING, "sha256")}`;
  }
  toc.add(cleanEntryPath(entry.path), chunks);
}

/** The source of a chunk. */
interface ChunkSource {
  readonly size: number;
  /** Reads the next piece of the file's content, of at most `most` bytes. */
  readonly read: (most: number) => Promise<Bytes>;
  /** The hash of the whole file, to be updated too. */
  readonly whole: StreamingHash | undefined;
}

/** Yields one chunk of a file and completes its line in the table. */
async function* chunkParts(
  chunk: EstargzTocEntry,
  { size, read, whole }: ChunkSource,
): AsyncGenerator<Bytes | EstargzMember, void, undefined> {
  yield { place: (offset) => void (chunk.offset = offset) };
  const hash = await streamingHash("sha256");
  for (let left = size; left > 0;) {
    const piece = await read(left);
    left -= piece.length;
    hash.update(piece);
    whole?.update(piece);
    yield piece;
  }
  chunk.chunkDigest = `sha256:${await hash.hex()}`;
}

function paddingAfter(size: number): number {
  return -size & 511;
}

/** Reads the content of an entry in pieces of limited size. The reader ensures that the content is complete. */
function cutter(entry: TarEntry): (most: number) => Promise<Bytes> {
  let rest = NOTHING;
  return async (most) => {
    while (rest.length === 0) rest = (await entry.read())!;
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    return piece;
  };
}
