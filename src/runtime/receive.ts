import type { FileHandle } from "node:fs/promises";
import { WORTH_THREAD } from "./file_hasher.ts";
import { bunHost, denoHost } from "./host.ts";

/** Options of {@linkcode NewFile.receive}. */
export interface ReceiveOptions {
  /** Ends the request and the writing; the call then returns with the signal's reason as its error. */
  signal?: AbortSignal;
  /** The time in milliseconds without a further byte after which the request is ended; 0 for no limit. */
  stallMs: number;
  /** The number of bytes that the body is to have, which are hashed afterwards. */
  size: number;
}

/** The result of {@linkcode NewFile.receive}. */
export interface Received {
  /** The number of bytes that were written without a gap; on Bun it may be fewer than arrived before a failure. */
  readonly count: number;
  /** The reason why the body was not written to its end. */
  readonly error?: unknown;
}

/** A file that receives bytes, open for writing. */
export interface ReceivingFile {
  /** The path of the file. */
  readonly path: string;
  /** The handle of the file, which stays open. */
  readonly handle: FileHandle;
}

/**
 * Returns whether writing a body of this size by {@linkcode receiveBody} and hashing it afterwards is faster than a
 * stream that hashes: Deno writes a body at any position by itself, and Bun, which has no way to move the position of an
 * open file, at its beginning. Elsewhere in a file, Bun's chunks pass through JavaScript, while a thread hashes long
 * bodies.
 */
export function receivesAt(position: number, size: number): boolean {
  return denoHost() !== undefined || (bunHost() !== undefined && (position === 0 || size >= WORTH_THREAD));
}

/**
 * Writes the body of a response into a file from `position` on; where possible, the runtime does so by itself.
 *
 * @param get requests the response; its signal also ends the body
 */
export async function receiveBody(
  file: ReceivingFile,
  get: (signal: AbortSignal) => Promise<Response>,
  position: number,
  { signal, stallMs }: Omit<ReceiveOptions, "size">,
): Promise<Received> {
  const stalled = new AbortController();
  const ending = signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal;
  let writer: BodyWriter | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  const failure = (error: unknown) => ending.aborted ? ending.reason : error;
  try {
    writer = await openBodyWriter(file, position);
    const response = await get(ending);
    const { count } = writer;
    let before = 0;
    const look = async () => {
      const now = await count();
      if (now === before) stalled.abort(new Error(`no byte of the answer within ${stallMs} ms`));
      before = now;
    };
    if (stallMs > 0) timer = setInterval(() => look().catch(() => {}), stallMs);
    await writer.write(response);
    return { count: await count() };
  } catch (error) {
    return { count: await writer?.count() ?? 0, error: failure(error) };
  } finally {
    clearInterval(timer);
    writer?.close();
  }
}

/** Writes one response into a file. */
interface BodyWriter {
  write(response: Response): Promise<unknown>;
  /** Returns the number of bytes written so far. */
  count(): Promise<number>;
  close(): void;
}

async function openBodyWriter({ path, handle }: ReceivingFile, position: number): Promise<BodyWriter> {
  const bun = bunHost();
  if (bun && position > 0) return chunkWriter(handle, position);
  if (bun) {
    return {
      write: (response) => bun.write(bun.file(handle.fd), response),
      count: async () => (await handle.stat()).size,
      close() {},
    };
  }
  const file = await denoHost()!.open(path, { write: true });
  try {
    const [own, opened] = [await handle.stat(), await file.stat()];
    if (own.ino !== opened.ino || own.dev !== opened.dev) throw new Error(`${path} was exchanged`);
    await file.seek(position, 0);
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    write: (response) => response.body!.pipeTo(file.writable, { preventClose: true, preventAbort: true }),
    count: async () => await file.seek(0, 1) - position,
    close: () => file.close(),
  };
}

/** Writes chunk by chunk, and asks for each one while the one before is written. */
function chunkWriter(handle: FileHandle, position: number): BodyWriter {
  let at = position;
  return {
    async write({ body }) {
      const reader = body!.getReader();
      try {
        let next = reader.read();
        for (let { value } = await next; value !== undefined; { value } = await next) {
          next = reader.read();
          next.catch(() => {}); // it is awaited after the write
          for (let start = 0; start < value.length;) {
            const { bytesWritten } = await handle.write(value, start, value.length - start, at);
            start += bytesWritten;
            at += bytesWritten;
          }
        }
      } catch (error) {
        await reader.cancel(error).catch(() => {});
        throw error;
      }
    },
    count: () => Promise.resolve(at - position),
    close() {},
  };
}
