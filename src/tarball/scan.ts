import { TarError } from "../errors.ts";
import { type AbortOptions, chunks } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type TarHeader, TarWalker } from "../tar/mod.ts";
import type { OpenTarball } from "./source.ts";

/** An entry that was found in a tarball. */
export interface ScannedEntry {
  /** Its header. */
  readonly header: TarHeader;
  /** Where its content starts, in bytes from the start of the tarball. */
  readonly offset: number;
  /** The first {@linkcode HEAD} bytes of its content, or as many as there are. */
  readonly head: Bytes;
}

/** How many bytes tell how something is compressed. */
export const HEAD = 4;

/** From this size on, content is jumped over instead of read. */
const JUMP = 1024 * 1024;

const BLOCK = 512;

/**
 * Finds the entries of a tarball: reads all headers, and of large contents no more than their first bytes where the
 * tarball can be read from any place.
 *
 * @throws {TarError} when it is not a tar archive, or ends early.
 */
export async function* scanTarball(tarball: OpenTarball, options: AbortOptions): AsyncGenerator<ScannedEntry, void> {
  for (let start: number | undefined = 0; start !== undefined;) start = yield* scanFrom(tarball, start, options);
}

/** Finds entries up to a content that is worth a jump, and gives the offset behind that; `undefined` at the end. */
async function* scanFrom(
  tarball: OpenTarball,
  start: number,
  { signal }: AbortOptions,
): AsyncGenerator<ScannedEntry, number | undefined> {
  const walker = new TarWalker();
  let header: TarHeader | undefined;
  let offset = 0;
  let head: Bytes = new Uint8Array(0);
  for await (const chunk of chunks(await tarball.read({ offset: start, signal }), { signal })) {
    walker.feed(chunk);
    for (let step = walker.step(); step !== "more"; step = walker.step()) {
      if (step === "entry") {
        if (header) yield { header, offset, head };
        header = walker.entry;
        offset = start + walker.offset;
        head = new Uint8Array(0);
      } else if (header) {
        head = joined(head, walker.content.slice(0, HEAD - head.length));
        if (head.length < HEAD) continue;
        walker.skip();
        const end = endWorthAJump(header, offset, tarball);
        if (end === undefined) continue;
        yield { header, offset, head };
        return end;
      }
    }
  }
  walker.end();
  walker.step();
  if (header) yield { header, offset, head };
  return undefined;
}

function endWorthAJump(header: TarHeader, offset: number, tarball: OpenTarball): number | undefined {
  const { storedSize, globals, path } = header;
  // Global records would be forgotten.
  if (tarball.size === undefined || storedSize < JUMP || globals.size > 0) return undefined;
  const end = offset + storedSize;
  if (end > tarball.size) throw new TarError(`it ends ${end - tarball.size} bytes before the end of ${path}`);
  return Math.min(end + (BLOCK - storedSize % BLOCK) % BLOCK, tarball.size);
}

function joined(a: Bytes, b: Bytes): Bytes {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
