import { TarError } from "../errors.ts";
import { type AbortOptions, SNIFF_LENGTH } from "../io/mod.ts";
import { type Bytes, concat } from "../runtime/mod.ts";
import { readTar, type TarEntry, type TarHeader } from "../tar/mod.ts";
import type { OpenTarball } from "./source.ts";

/** An entry that was found in a tarball. */
export interface ScannedEntry {
  /** Its header. */
  readonly header: TarHeader;
  /** Where its content starts, in bytes from the start of the tarball. */
  readonly offset: number;
  /** The first bytes of its content, as many as tell how it is compressed, or as there are. */
  readonly head: Bytes;
}

/** From this size on, content is jumped over instead of read. */
const JUMP = 1024 * 1024;

/**
 * Finds the entries of a tarball: reads all headers, and of large contents no more than their first bytes where the
 * tarball can be read from any place.
 *
 * @throws {TarError} when it is not a tar archive, or ends early.
 */
export async function* scanTarball(tarball: OpenTarball, options: AbortOptions): AsyncGenerator<ScannedEntry, void> {
  for (let start: number | undefined = 0; start !== undefined;) start = yield* scanFrom(tarball, start, options);
}

/** Finds entries up to a content that is worth a jump, and returns the offset behind it; `undefined` at the end. */
async function* scanFrom(
  tarball: OpenTarball,
  start: number,
  { signal }: AbortOptions,
): AsyncGenerator<ScannedEntry, number | undefined> {
  for await (const entry of readTar(await tarball.read({ offset: start, signal }), { signal })) {
    const offset = start + entry.contentOffset;
    yield { header: entry, offset, head: await headOf(entry) };
    const end = endWorthAJump(entry, offset, tarball);
    if (end !== undefined) return end;
  }
}

function endWorthAJump(header: TarHeader, offset: number, tarball: OpenTarball): number | undefined {
  const { storedSize, globals, path } = header;
  // Global records would be forgotten.
  if (tarball.size === undefined || storedSize < JUMP || globals.size > 0) return undefined;
  const end = offset + storedSize;
  if (end > tarball.size) throw new TarError(`it ends ${end - tarball.size} bytes before the end of ${path}`);
  return Math.min(end + (-storedSize & 511), tarball.size);
}

async function headOf(entry: TarEntry): Promise<Bytes> {
  let head = new Uint8Array(0);
  while (head.length < SNIFF_LENGTH) {
    const piece = await entry.read();
    if (piece === undefined) break;
    head = concat([head, piece.slice(0, SNIFF_LENGTH - head.length)]);
  }
  return head;
}
