/** Gathers the header blocks of an entry and interprets them. */

import { LimitError, TarError } from "../errors.ts";
import type { Bytes } from "../runtime/mod.ts";
import { ArchiveEntry, type EntryPrefix } from "./archive_entry.ts";
import { hasContent } from "./entry_type.ts";
import { HeaderArena } from "./arena.ts";
import { BLOCK, FIELDS, paddingAfter, textField } from "./block.ts";
import { checksumProblem } from "./checksum.ts";
import type { ChunkCursor } from "./chunk_cursor.ts";
import { corruptEntry, demandSize, fieldNumber, readNumbers, recordNumber } from "./entry_numbers.ts";
import { readNumber } from "./numbers.ts";
import { NUMBER_KEYS, parseDigits, parsePax, type PaxRecords } from "./pax.ts";
import {
  checkMap,
  parseMapRecord,
  readExtensionRegions,
  readHeaderRegions,
  type SparseMap,
  SparseMapBlocks,
} from "./sparse.ts";
import { quoteName } from "./text.ts";

/** The part that is being gathered. */
type Part = "header" | "record" | "sparse header" | "sparse map";

/** The most global records in force: each change of one costs as much time as there are. */
const MAX_GLOBALS = 1000;
const MAX_NUMBER_LENGTH = 64;
const EMPTY: Bytes = new Uint8Array(0);
const NO_RECORDS: PaxRecords = new Map();
const NO_PREFIX: EntryPrefix = { pax: NO_RECORDS, globals: NO_RECORDS, longName: undefined, longLink: undefined };

/** Reads the headers of an archive's entries, one after the other. */
export class HeaderReader {
  /** The sparse map of the entry that was read last, `undefined` if all of it is stored. */
  map: SparseMap | undefined;
  readonly #limit: number;
  readonly #arena = new HeaderArena();
  #part: Part = "header";
  #missing = BLOCK;
  #prefix = NO_PREFIX;
  #globals = NO_RECORDS;
  #zeroBlocks = 0;
  /** Where the entry's first header block and the last one lie in the archive. */
  #entryOffset = 0;
  #blockOffset = 0;
  /** Where the record, the header block and the sparse map lie in the entry's blocks. */
  #recordAt = 0;
  #headerAt = 0;
  #mapAt = 0;
  #recordFlag = "";
  #recordSize = 0;
  #entry: ArchiveEntry | undefined;
  #mapBlocks = new SparseMapBlocks();

  /** Refuses entries whose headers have more than `limit` bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Reads on: returns the entry whose headers are complete, `"more"` for want of a chunk, or `"end"`. */
  read(cursor: ChunkCursor): ArchiveEntry | "more" | "end" {
    while (this.#gather(cursor)) {
      const entry = this.#take(cursor);
      if (entry !== undefined) return entry;
      if (this.#zeroBlocks === 2) return "end";
    }
    if (!cursor.ended) return "more";
    // Without the zero blocks, but between two entries: GNU tar and Go accept it too.
    if (this.#part === "header" && this.#arena.gathered === 0) return "end";
    throw this.#cutOff(cursor);
  }

  /** Gathers the missing bytes of the part; returns whether it is complete. */
  #gather(cursor: ChunkCursor): boolean {
    const from = cursor.at;
    const passed = cursor.pass(this.#missing);
    if (passed > 0) {
      this.#arena.append(cursor.chunk, from, from + passed);
      this.#missing -= passed;
    }
    return this.#missing === 0;
  }

  #take(cursor: ChunkCursor): ArchiveEntry | undefined {
    switch (this.#part) {
      case "header":
        return this.#takeHeader(cursor.offset - BLOCK);
      case "record":
        return this.#takeRecord();
      case "sparse header":
        return this.#takeSparseHeader();
      case "sparse map":
        return this.#takeSparseMap();
    }
  }

  #gatherNext(part: Part, size: number): undefined {
    const total = this.#arena.gathered + size;
    if (total > this.#limit) {
      throw new LimitError(
        `tar headers at offset ${this.#entryOffset} have ${total} bytes or more, the limit is ${this.#limit}`,
      );
    }
    this.#part = part;
    this.#missing = size;
  }

  #takeHeader(offset: number): ArchiveEntry | undefined {
    const { bytes, start, used } = this.#arena;
    const at = used - BLOCK;
    this.#missing = BLOCK;
    this.#blockOffset = offset;
    if (at === start) this.#entryOffset = offset;
    const sum = this.#arena.sum(at);
    if (sum === 0) return this.#takeZeroBlock(at);
    if (this.#zeroBlocks > 0) throw this.#corrupt("follows a lone zero block");
    const problem = checksumProblem(bytes, at, sum);
    if (problem !== undefined) throw this.#corrupt(problem, hintAt(bytes, at));
    const flag = String.fromCharCode(bytes[at + FIELDS.typeflag.at]);
    switch (flag) {
      case "x":
      case "X": // as Solaris wrote them before the standard
      case "g":
      case "L":
      case "K":
        return this.#startRecord(flag, at);
      default:
        return this.#startEntry(at);
    }
  }

  #takeZeroBlock(at: number): undefined {
    if (at > this.#arena.start) throw this.#corrupt("is a zero block where an entry belongs to the records before it");
    this.#arena.truncate(at);
    this.#zeroBlocks++;
  }

  #startRecord(flag: string, at: number): undefined {
    const size = readNumber(this.#arena.bytes, at, FIELDS.size);
    if (!Number.isFinite(size) || size < 0) {
      const why = Number.isNaN(size) ? "no number" : size < 0 ? "negative" : "too large";
      throw this.#corrupt(`has a size that is ${why}`);
    }
    this.#recordAt = at - this.#arena.start;
    this.#recordFlag = flag;
    this.#recordSize = size;
    this.#gatherNext("record", size + paddingAfter(size));
  }

  #takeRecord(): undefined {
    const { bytes, start } = this.#arena;
    const headerAt = start + this.#recordAt;
    const body = bytes.subarray(headerAt + BLOCK, headerAt + BLOCK + this.#recordSize);
    if (this.#prefix === NO_PREFIX) this.#prefix = { ...NO_PREFIX, globals: this.#globals };
    if (this.#recordFlag === "g") {
      this.#addGlobals(body);
      // Global records belong to no entry: they are not kept among its blocks.
      this.#arena.truncate(headerAt);
    } else if (this.#recordFlag === "L") {
      this.#prefix.longName = longName(body);
    } else if (this.#recordFlag === "K") {
      this.#prefix.longLink = longName(body);
    } else {
      this.#prefix.pax = this.#parsePax(body);
    }
    this.#part = "header";
    this.#missing = BLOCK;
  }

  #parsePax(body: Bytes): Map<string, Bytes> {
    return parsePax(body, (what) => this.#corrupt(`is not well formed: ${what}`));
  }

  #addGlobals(body: Bytes): void {
    const globals = new Map(this.#globals);
    // A copy, since the arena reuses the memory.
    for (const [key, value] of this.#parsePax(body.slice())) {
      // They describe one file.
      if (key.startsWith("GNU.sparse.")) continue;
      // Each entry that is passed on gets a copy of a number.
      if (NUMBER_KEYS.has(key) && value.length > MAX_NUMBER_LENGTH) {
        throw this.#corrupt(`has a global ${key} of ${value.length} characters`);
      }
      if (value.length === 0) globals.delete(key);
      else globals.set(key, value);
    }
    if (globals.size > MAX_GLOBALS) {
      throw new LimitError(`tar archive has ${globals.size} global records in force, the limit is ${MAX_GLOBALS}`);
    }
    let size = 0;
    for (const [key, value] of globals) size += key.length + value.length;
    if (size > this.#limit) {
      throw new LimitError(`tar archive has global records of ${size} bytes, the limit is ${this.#limit}`);
    }
    this.#globals = globals;
    this.#prefix.globals = globals;
  }

  #startEntry(at: number): ArchiveEntry | undefined {
    const { bytes, start } = this.#arena;
    const prefix = this.#prefix === NO_PREFIX && this.#globals.size > 0
      ? { ...NO_PREFIX, globals: this.#globals }
      : this.#prefix;
    const entry = new ArchiveEntry(bytes, { at, offset: this.#entryOffset, prefix });
    this.#prefix = NO_PREFIX;
    this.#entry = entry;
    this.#headerAt = at - start;
    this.map = undefined;
    readNumbers(entry, bytes, at);
    if (!hasContent(entry.type)) return this.#finish(entry);
    if (entry.typeflag === "S") return this.#startSparseHeader(entry, at);
    return entry.pax.size === 0 ? this.#finish(entry) : this.#startPaxSparse(entry);
  }

  #finish(entry: ArchiveEntry): ArchiveEntry {
    if (this.map !== undefined) {
      entry.sparse = true;
      const problem = checkMap(this.map, entry.size, entry.storedSize);
      if (problem !== undefined) throw corruptEntry(entry, problem);
    }
    entry.seal(this.#arena.seal(), this.#headerAt);
    this.#part = "header";
    this.#missing = BLOCK;
    return entry;
  }

  #startSparseHeader(entry: ArchiveEntry, at: number): ArchiveEntry | undefined {
    if (entry.dialect !== "gnu") throw corruptEntry(entry, "it is sparse in a format that is not GNU tar's");
    entry.size = fieldNumber(entry, "gnuRealSize", this.#arena.bytes, at);
    demandSize(entry);
    this.map = [];
    const extended = readHeaderRegions(this.#arena.bytes, at, this.map);
    return extended ? this.#gatherNext("sparse header", BLOCK) : this.#finish(entry);
  }

  #takeSparseHeader(): ArchiveEntry | undefined {
    const extended = readExtensionRegions(this.#arena.bytes, this.#arena.used - BLOCK, this.map ??= []);
    return extended ? this.#gatherNext("sparse header", BLOCK) : this.#finish(this.#current());
  }

  #startPaxSparse(entry: ArchiveEntry): ArchiveEntry | undefined {
    const major = recordNumber(entry, "GNU.sparse.major", parseDigits) ?? 0;
    const minor = recordNumber(entry, "GNU.sparse.minor", parseDigits) ?? 0;
    // A file that is one hole may have a count of no regions and no map.
    const map = entry.pax.get("GNU.sparse.map") ??
      (recordNumber(entry, "GNU.sparse.numblocks", parseDigits) === 0 ? EMPTY : undefined);
    if (major === 0 && map === undefined) return this.#finish(entry);
    if (entry.dialect === "v7" || entry.dialect === "gnu") {
      throw corruptEntry(entry, "it is sparse by PAX records, and its header is of a format without them");
    }
    if (major > 1 || (major === 1 && minor !== 0)) {
      throw corruptEntry(entry, `it is sparse in the unknown format ${major}.${minor}`);
    }
    const size = recordNumber(entry, major === 1 ? "GNU.sparse.realsize" : "GNU.sparse.size", parseDigits);
    if (size === undefined) throw corruptEntry(entry, "it is sparse, but its full size is missing");
    entry.size = size;
    if (major === 0) {
      this.map = parseMapRecord(map ?? EMPTY);
      return this.#finish(entry);
    }
    this.#mapAt = this.#arena.gathered;
    this.#mapBlocks = new SparseMapBlocks();
    return this.#gatherMapBlock(entry);
  }

  /** Takes the next block from what is stored: the map of format 1.0 lies in front of the content. */
  #gatherMapBlock(entry: ArchiveEntry): undefined {
    if (entry.storedSize < BLOCK) throw corruptEntry(entry, "its sparse map is longer than what the archive stores");
    entry.storedSize -= BLOCK;
    this.#gatherNext("sparse map", BLOCK);
  }

  #takeSparseMap(): ArchiveEntry | undefined {
    const { bytes, start, used } = this.#arena;
    this.map = this.#mapBlocks.take(bytes.subarray(start + this.#mapAt, used));
    const entry = this.#current();
    return this.map === undefined ? this.#gatherMapBlock(entry) : this.#finish(entry);
  }

  #current(): ArchiveEntry {
    if (this.#entry === undefined) throw new TypeError("No tar entry has been started");
    return this.#entry;
  }

  #cutOff(cursor: ChunkCursor): TarError {
    const inside = this.#part === "header"
      ? "a header"
      : this.#part === "record"
      ? `an extended header of type ${quoteName(this.#recordFlag)}`
      : `the sparse map of ${quoteName(this.#current().path)}`;
    return new TarError(
      `tar archive ends at offset ${cursor.offset}, inside ${inside}: ${this.#missing} bytes are missing`,
      { hint: "the archive was cut off" },
    );
  }

  #corrupt(what: string, hint?: string): TarError {
    return new TarError(`tar header at offset ${this.#blockOffset} ${what}`, { hint });
  }
}

/** Reads the name in a GNU record; an empty one is ignored. */
function longName(body: Bytes): Bytes | undefined {
  const name = textField(body, 0, { at: 0, length: body.length });
  return name.length === 0 ? undefined : name;
}

function hintAt(bytes: Bytes, at: number): string {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b
    ? "it looks like gzip: decompress it first"
    : "the archive is corrupt, or not a tar archive";
}
