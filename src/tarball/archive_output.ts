import { type AbortOptions, fileFailure } from "../io/mod.ts";
import { type ByteStream, writeFileAtomic } from "../runtime/mod.ts";
import { type TarWriteEntry, writeTar } from "../tar/mod.ts";
import type { ArchiveTarget } from "./archive_sink.ts";
import { FileTarget, isSpecial } from "./file_target.ts";
import { StreamTarget } from "./stream_target.ts";

/** Writes all that an archive holds to a target. */
export type WriteArchive = (target: ArchiveTarget, signal: AbortSignal | undefined) => Promise<void>;

/** An archive as a stream, whose writing begins when it is read. */
export function archiveStream(write: WriteArchive, { signal: given }: AbortOptions): ByteStream {
  const stop = new AbortController();
  const signal = given ? AbortSignal.any([given, stop.signal]) : stop.signal;
  // A failure that is not in what the reader is about to get ends the stream all the same.
  const entries = archiveEntries(write, { signal, fail: (error) => stop.abort(error) });
  const stoppable: AsyncIterableIterator<TarWriteEntry> = {
    next: () => entries.next(),
    return() {
      // A generator can't return while it waits, for a layer to be compressed perhaps, so the wait must end first.
      stop.abort(new DOMException("the archive was cancelled", "AbortError"));
      return entries.return();
    },
    [Symbol.asyncIterator]: () => stoppable,
  };
  return writeTar(stoppable, { signal });
}

/** Writes an archive to a file, which appears whole or not at all. What is no regular file is written to in order. */
export async function archiveFile(path: string, write: WriteArchive, { signal }: AbortOptions): Promise<void> {
  try {
    if (await isSpecial(path)) return void await writeFileAtomic(path, archiveStream(write, { signal }), { signal });
    const target = await FileTarget.create(path);
    try {
      await write(target, signal);
      signal?.throwIfAborted();
      await target.commit();
    } finally {
      await target.discard();
    }
  } catch (error) {
    throw fileFailure(`can't write the tarball ${path}`, error);
  }
}

async function* archiveEntries(
  write: WriteArchive,
  { signal, fail }: { signal: AbortSignal; fail: (error: unknown) => void },
): AsyncGenerator<TarWriteEntry, void> {
  const target = new StreamTarget();
  const writing = write(target, signal);
  writing.catch(fail);
  try {
    yield* target.entries({ signal });
    await writing;
  } finally {
    // Until then its temporary files are there.
    await writing.catch(() => {});
  }
}
