// Reads mutated archives, writes what was read, and lets GNU tar judge.

import { spawn } from "node:child_process";
import { GcraneError, LimitError, TarError } from "../../src/errors.ts";
import { layerFromBytes } from "../../src/image/mod.ts";
import { extractLayers } from "../../src/mutate/mod.ts";
import { type Bytes, readTar, rewriteEntry, type TarHeader, type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { joined } from "../make/bytes.ts";
import type { Random } from "../make/random.ts";
import { collect, streamOf } from "../make/streams.ts";
import { available, pathOf } from "../peers/mod.ts";
import type { Fuzzer } from "./fuzzing.ts";
import { mutateTar } from "./tar_mutations.ts";
import { tarSamples } from "./tar_samples.ts";

/**
 * The most bytes of an output for each byte of its input. A header block of 512 bytes becomes at most four: itself, a
 * PAX header of its own with a block of records (the global numbers in force), and the end of the archive is added.
 */
const FACTOR = 4;
const END = 10_240;
/** The most content that is compared; holes make an archive of any size from a few bytes. */
const MOST_CONTENT = 4 * 1024 * 1024;

/** What an archive holds. */
interface Listing {
  readonly entries: readonly TarHeader[];
  /** The content of all files behind one another. */
  readonly content: Bytes;
}

/** Creates the fuzzer. */
export async function tarFuzzer(): Promise<Fuzzer> {
  const samples = await tarSamples();
  const gnu = available("tar");
  return {
    concurrency: 2,
    limit: 60_000,
    async run(random, trace) {
      const sample = random.integer(0, samples.length - 1);
      trace(`sample ${sample}`);
      const input = mutateTar(samples[sample], random, trace);
      const read = await attempt(() => listingOf(input, random));
      const listed = gnu ? await gnuTar(["--list", "--verbose", "--full-time", "--numeric-owner"], input) : undefined;
      if (read instanceof GcraneError) {
        trace(`${read.name}: ${read.message}`);
        return read.code;
      }
      if (read === "large") return "large";
      const isReadByGnu = listed?.code === 0 && listed.err === "";
      if (isReadByGnu) await compareWithGnu(input, read, listed.out);
      for (const [way, write] of Object.entries(WAYS)) {
        trace(`written by ${way}`);
        await checkOutput({ input, read, gnu, way, random }, write);
      }
      return isReadByGnu ? "read by both" : "read";
    },
    close: () => Promise.resolve(),
  };
}

/** The ways from an archive that is read to one that is written. */
const WAYS: Readonly<Record<string, (input: Bytes) => Promise<Bytes>>> = {
  passing: (input) => collect(writeTar(readTar(streamOf(input)))),
  rewriting: (input) => collect(writeTar(rewritten(input))),
  export: async (input) => collect(extractLayers([await layerFromBytes(input, { compression: "none" })])),
};

async function* rewritten(input: Bytes): AsyncGenerator<TarWriteEntry> {
  for await (const entry of readTar(streamOf(input))) yield rewriteEntry(entry);
}

/** Reads a whole archive; `"large"` if its content is more than is compared. */
async function listingOf(input: Bytes, random: Random): Promise<Listing | "large"> {
  const entries: TarHeader[] = [];
  const contents: Bytes[] = [];
  let size = 0;
  let large = false;
  for await (const entry of readTar(streamOf(input, random.pick([100, 512, 1000, 65536])))) {
    entries.push(entry);
    size += entry.size;
    large ||= size > MOST_CONTENT;
    if (large) {
      await entry.read();
      entry.skip();
    } else if (entry.type === "file") contents.push(await entry.bytes());
  }
  return large ? "large" : { entries, content: joined(...contents) };
}

/** Runs a reading; an error of a kind that archives have, with its position, is a result. */
async function attempt<T>(work: () => Promise<T>): Promise<T | GcraneError> {
  try {
    return await work();
  } catch (error) {
    const where = /offset \d+|global records|tar entry/;
    if ((error instanceof TarError || error instanceof LimitError) && where.test(error.message)) {
      return error;
    }
    throw error;
  }
}

interface Check {
  readonly input: Bytes;
  readonly read: Listing;
  readonly gnu: boolean;
  readonly way: string;
  readonly random: Random;
}

/** Checks what is written of an archive: its size, its entries, and that GNU tar reads it. */
async function checkOutput(check: Check, write: (input: Bytes) => Promise<Bytes>): Promise<void> {
  const { input, read, gnu, way, random } = check;
  const output = await attempt(() => write(input));
  // A name that leads out of the root, and an entry without a name, are refused there.
  if (way !== "passing" && output instanceof TarError && / path | name| linkname/.test(output.message)) return;
  if (output instanceof GcraneError) throw new Error(`${way} fails where reading does not`, { cause: output });
  const holes = read.entries.reduce((sum, { size }) => sum + size, 0);
  const most = FACTOR * input.length + END + (way === "passing" ? 0 : holes);
  if (output.length > most) throw new Error(`${way} makes ${output.length} bytes of ${input.length}, at most ${most}`);
  const again = await listingOf(output, random);
  if (again === "large") throw new Error(`${way} makes more content than it was given`);
  if (way !== "export") compare(again, read, way);
  if (!gnu) return;
  const { code, err } = await gnuTar(["--list"], output);
  // A part of a file of several volumes has a number where the prefix of other entries is; any text is passed on.
  const complaints = read.entries.some(({ typeflag }) => typeflag === "M")
    ? /is out of (\S+ )?range|due to previous|where numeric \S+ value expected/
    : /is out of (\S+ )?range|due to previous/;
  const isOutOfRange = err.split("\n").every((line) => line === "" || complaints.test(line));
  if (code !== 0 && !isOutOfRange) throw new Error(`GNU tar does not read what ${way} made: ${err}`);
}

function compare(actual: Listing, expected: Listing, way: string): void {
  const facts = ({ entries }: Listing) =>
    entries.map(({ type, size, pathBytes, linknameBytes }) =>
      `${type} ${size} ${text(pathBytes)} ${text(linknameBytes)}`
    );
  const [is, should] = [facts(actual), facts(expected)];
  for (let i = 0; i < Math.max(is.length, should.length); i++) {
    if (is[i] !== should[i]) throw new Error(`entry ${i} after ${way} is ${is[i]}, and was ${should[i]}`);
  }
  if (text(actual.content) !== text(expected.content)) throw new Error(`the content after ${way} is another`);
}

/** Compares with what GNU tar lists and extracts, where it does so without a complaint. */
async function compareWithGnu(input: Bytes, read: Listing, lines: Bytes): Promise<void> {
  // Global records stay in force until one of their key comes; for GNU tar, until the next ones of any key.
  if (text(input).split(GLOBAL_HEADER).length > 2) return;
  // GNU tar takes an empty record of a name for the name.
  if (/ (path|linkpath|GNU\.sparse\.name)=\n/.test(text(input))) return;
  const all = text(lines);
  let at = 0;
  for (const entry of read.entries) {
    if (isReadAsGoDoes(entry) || hasIdleSize(input, entry)) return;
    const head = /^(\S)\S{9} +\S+ +(\d+, *\d+|\S+) +\S+ +\S+ +/.exec(all.slice(at, at + 300));
    // Spaces in front of a name look like the columns'.
    const name = text(entry.pathBytes).replace(/^ +/, "");
    const link = text(entry.linknameBytes);
    const shown = `${JSON.stringify(all.slice(at, at + 300).split("\n")[0])}, and we read ${entry.type} ${entry.size} ${
      JSON.stringify(name)
    }`;
    if (head === null) throw new Error(`GNU tar lists ${shown}`);
    at += head[0].length;
    const [, letter, size] = head;
    // A file whose name ends in a slash is a directory for GNU tar, and a file for Go and for containers.
    const isFile = entry.type === "file" && name.endsWith("/");
    if (TYPES[letter] !== entry.type && !isFile) throw new Error(`GNU tar lists ${shown}`);
    if (entry.type === "file" && Number(size) !== entry.size) throw new Error(`GNU tar lists ${shown}`);
    const rest = letter === "l" ? ` -> ${link}\n` : letter === "h" ? ` link to ${link}\n` : "\n";
    if (!all.startsWith(name + rest, at)) throw new Error(`GNU tar lists ${shown}`);
    at += name.length + rest.length;
  }
  if (at !== all.length) throw new Error(`GNU tar lists more: ${all.slice(at)}`);
  const { code, err, out } = await gnuTar(["--extract", "--to-stdout"], input);
  if (code === 0 && err === "" && text(out) !== text(read.content)) {
    throw new Error(`GNU tar extracts ${out.length} bytes, and we read ${read.content.length}`);
  }
}

/** Whether an entry without content has a size, of which GNU tar passes over as many bytes. */
function hasIdleSize(input: Bytes, { type, contentOffset, pax, globals }: TarHeader): boolean {
  if (type === "file") return false;
  if (pax.has("size") || globals.has("size")) return true;
  const field = input.subarray(contentOffset - 512 + 124, contentOffset - 512 + 136);
  return /[^0\0 ]/.test(text(field));
}

/** Whether an entry is read as Go reads it, and GNU tar in another way, which is known. */
function isReadAsGoDoes({ type, format, path, pax, sparse, rawHeader }: TarHeader): boolean {
  // Types of other programs: GNU tar lists what it knows of them.
  if (type === "unknown") return true;
  const blocks = Array.from({ length: rawHeader.length / 512 }, (_, i) => rawHeader.subarray(i * 512, (i + 1) * 512));
  // GNU's long name goes before the one of a PAX record, and ends with the record.
  const hasLong = blocks.some((block) => "LK".includes(String.fromCharCode(block[156])));
  if (hasLong) return true;
  // GNU tar shows the size of a sparse file of any other file too.
  if ([...pax.keys()].some((key) => key.startsWith("GNU.sparse.")) && !sparse) return true;
  // A header of GNU's format where text stands in place of a time has a prefix.
  const prefix = text(blocks.at(-1)!.subarray(345, 500)).replace(/\0.*$/s, "");
  return format === "gnu" && prefix !== "" && path.startsWith(prefix);
}

/** The typeflag of global records up to the magic. */
const GLOBAL_HEADER = /g[^]{100}ustar/;

const TYPES: Readonly<Record<string, string>> = {
  "-": "file",
  "C": "file",
  h: "link",
  l: "symlink",
  c: "characterDevice",
  b: "blockDevice",
  d: "directory",
  p: "fifo",
};

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

interface GnuResult {
  readonly code: number | null;
  readonly out: Bytes;
  readonly err: string;
}

function gnuTar(args: readonly string[], input: Bytes): Promise<GnuResult> {
  return new Promise((resolve, reject) => {
    const options = [
      "--utc",
      "--quoting-style=literal",
      "--absolute-names",
      "--warning=no-unknown-keyword",
      "--file=-",
    ];
    const child = spawn(pathOf("tar"), [...args, ...options], { env: { LC_ALL: "C" } });
    const out: Uint8Array[] = [];
    let err = "";
    child.stdout.on("data", (chunk: Uint8Array) => out.push(chunk));
    child.stderr.on("data", (chunk: Uint8Array) => err += text(chunk));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, out: joined(...out.map((chunk) => new Uint8Array(chunk))), err });
    });
  });
}
