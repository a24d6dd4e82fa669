import type { Writable } from "node:stream";
import type { Bytes, ByteStream } from "./bytes.ts";
import { ChunkReader } from "./pull_stream.ts";

/** Options of {@linkcode pipeToNode}. */
export interface PipeToNodeOptions {
  /** The length of the source in bytes: any other length is an error. */
  length?: number;
  /** Called before each chunk; `true` means that the rest is not needed. */
  isDone?: () => boolean;
  /** Awaited between the last chunk and the end. */
  beforeEnd?: () => Promise<void>;
}

/**
 * Writes a stream to a stream of node with backpressure, and ends it. The source is cancelled if the writer is closed
 * or done early. If the source fails or has a wrong length, the call rejects and the writer is destroyed.
 */
export async function pipeToNode(
  source: ByteStream,
  writable: Writable,
  options: PipeToNodeOptions = {},
): Promise<void> {
  const { length, isDone = () => false, beforeEnd } = options;
  const reader = new ChunkReader(source).borrow();
  const onClose = () => void reader.cancel(new Error("the receiver went away")).catch(() => {});
  writable.once("close", onClose);
  writable.on("error", () => {});
  let count = 0;
  try {
    for (;;) {
      const value = await reader.read();
      if (writable.destroyed) return;
      if (isDone()) return await reader.cancel();
      if (value === undefined) break;
      count += value.byteLength;
      if (length !== undefined && count > length) throw wrongLength(length, "more");
      await write(writable, value, reader.isBorrowing);
    }
    if (length !== undefined && count < length) throw wrongLength(length, `only ${count}`);
    await beforeEnd?.();
    writable.end();
  } catch (error) {
    reader.cancel(error).catch(() => {});
    writable.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    // An ended writer closes later, when nothing is left to cancel.
    writable.off("close", onClose);
  }
}

function wrongLength(length: number, found: string): Error {
  return new Error(`the body was to have ${length} bytes and has ${found}`);
}

/** Writes a chunk, and waits until there is room for the next one, or, if it is borrowed, until it is passed on. */
function write(writable: Writable, chunk: Bytes, isBorrowed: boolean): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      writable.off("drain", settle);
      writable.off("close", settle);
      resolve();
    };
    writable.once("close", settle);
    if (isBorrowed) writable.write(chunk, settle);
    else if (writable.write(chunk)) settle();
    else writable.once("drain", settle);
  });
}
