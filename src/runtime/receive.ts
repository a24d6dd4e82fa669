import type { FileHandle } from "node:fs/promises";
import type { Bytes } from "./bytes.ts";
import { writeAt } from "./files.ts";
import { type HashAlgorithm, streamingHashSync } from "./hash.ts";
import { bunHost, requireNodeModule } from "./host.ts";
import { ChunkReader } from "./pull_stream.ts";

/** Options of {@linkcode NewFile.receive}. */
export interface ReceiveOptions {
  /** Ends the request and the writing; the call then returns with the signal's reason as its error. */
  signal?: AbortSignal;
  /** The time in milliseconds without a further byte after which the request is ended; 0 for no limit. */
  stallMs: number;
  /** The number of bytes that the body is to have: no byte is written behind them. */
  size: number;
  /** The algorithm by which they are hashed. */
  algorithm: HashAlgorithm;
}

/** The result of {@linkcode NewFile.receive}. */
export interface Received {
  /** The number of bytes that were written without a gap; on Bun it may be fewer than arrived before a failure. */
  readonly count: number;
  /** The hash of these bytes in lower-case hexadecimal digits, if they were hashed on the way, to their end. */
  readonly hex?: string;
  /** The reason why the body was not written to its end. */
  readonly error?: unknown;
}

/** From this duration on, in milliseconds, a write is not waited for: a slow disk must not hold up other work. */
const LONG_WRITE_MS = 50;

/**
 * Returns whether the runtime writes a body by itself, and the file is hashed afterwards: Bun does so at the beginning of
 * a file, as it has no way to move the position of an open one.
 */
export function receivesNatively(position: number): boolean {
  return bunHost() !== undefined && position === 0;
}

/**
 * Writes the body of a response into an open file from `position` on.
 *
 * @param get requests the response; its signal also ends the body
 */
export async function receiveBody(
  handle: FileHandle,
  get: (signal: AbortSignal) => Promise<Response>,
  position: number,
  options: ReceiveOptions,
): Promise<Received> {
  const { signal, stallMs } = options;
  const stalled = new AbortController();
  const ending = signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal;
  const writer = receivesNatively(position) ? nativeWriter(handle) : chunkWriter(handle, position, options);
  let timer: ReturnType<typeof setInterval> | undefined;
  const failure = (error: unknown) => ending.aborted ? ending.reason : error;
  try {
    const response = await get(ending);
    let before = 0;
    const look = async () => {
      const now = await writer.count();
      if (now === before) stalled.abort(new Error(`no byte of the answer within ${stallMs} ms`));
      before = now;
    };
    if (stallMs > 0) timer = setInterval(() => look().catch(() => {}), stallMs);
    const hex = await writer.write(response);
    return { count: await writer.count(), hex };
  } catch (error) {
    return { count: await writer.count(), error: failure(error) };
  } finally {
    clearInterval(timer);
  }
}

/** Writes one response into a file. */
interface BodyWriter {
  /** Writes the body to its end, and returns its hash if it was hashed. */
  write(response: Response): Promise<string | undefined>;
  /** Returns the number of bytes written so far. */
  count(): number | Promise<number>;
}

function nativeWriter(handle: FileHandle): BodyWriter {
  const bun = bunHost()!;
  return {
    async write(response) {
      await bun.write(bun.file(handle.fd), response);
      return undefined;
    },
    count: async () => (await handle.stat()).size,
  };
}

/**
 * Hashes and writes each chunk at once, out of one buffer where the runtime can fill that: threads that write and hash
 * take more time than they save.
 */
function chunkWriter(
  handle: FileHandle,
  position: number,
  { size, algorithm }: Pick<ReceiveOptions, "size" | "algorithm">,
): BodyWriter {
  const hash = streamingHashSync(algorithm);
  const write = writerOf(handle);
  let count = 0;
  return {
    async write({ body }) {
      const chunks = new ChunkReader(body!).borrow({ isBody: true });
      try {
        for (let chunk: Bytes | undefined; (chunk = await chunks.read()) !== undefined;) {
          if (count + chunk.length > size) throw new Error(`the answer has more than ${size} bytes`);
          hash?.update(chunk);
          await write(chunk, position + count);
          count += chunk.length;
        }
        return hash?.hexSync();
      } catch (error) {
        await chunks.cancel(error).catch(() => {});
        throw error;
      }
    },
    count: () => count,
  };
}

/** Returns what writes whole chunks into a file: synchronously, until the disk turns out to be slow. */
function writerOf(handle: FileHandle): (chunk: Bytes, position: number) => Promise<void> {
  const { writeSync } = requireNodeModule("node:fs", "The file system");
  let isFast = true;
  return async (chunk, position) => {
    let start = 0;
    while (isFast && start < chunk.length) {
      const started = performance.now();
      start += writeSync(handle.fd, chunk, start, chunk.length - start, position + start);
      isFast = performance.now() - started < LONG_WRITE_MS;
    }
    await writeAt(handle, chunk.subarray(start), position + start);
  };
}
