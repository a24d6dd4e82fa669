import type { Writable } from "node:stream";
import type { ByteStream } from "./bytes.ts";

/** What to mind while writing. */
export interface PipeToNodeOptions {
  /** How many bytes the source must have: fewer or more is an error. */
  length?: number;
  /** Asked before each chunk: `true` means that nobody wants the rest. */
  isDone?: () => boolean;
  /** Waited for between the last chunk and the end. */
  beforeEnd?: () => Promise<void>;
}

/**
 * Writes a stream to a stream of node and ends it, at the pace of its reader. The source is cancelled when the writer is
 * closed or done early; when the source fails, or has not the promised length, so does the call, and the writer is
 * destroyed.
 */
export async function pipeToNode(
  source: ByteStream,
  writable: Writable,
  options: PipeToNodeOptions = {},
): Promise<void> {
  const { length, isDone = () => false, beforeEnd } = options;
  const reader = source.getReader();
  const onClose = () => void reader.cancel(new Error("the receiver went away")).catch(() => {});
  writable.once("close", onClose);
  writable.on("error", () => {});
  let count = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (writable.destroyed) return;
      if (isDone()) return await reader.cancel();
      if (done) break;
      count += value.byteLength;
      if (length !== undefined && count > length) throw wrongLength(length, "more");
      if (!writable.write(value)) await drained(writable);
    }
    if (length !== undefined && count < length) throw wrongLength(length, `only ${count}`);
    await beforeEnd?.();
    writable.end();
  } catch (error) {
    reader.cancel(error).catch(() => {});
    writable.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    // A writer that has ended still closes later; by then nothing is left to cancel.
    writable.off("close", onClose);
  }
}

function wrongLength(length: number, found: string): Error {
  return new Error(`the body was to have ${length} bytes and has ${found}`);
}

function drained(writable: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      writable.off("drain", settle);
      writable.off("close", settle);
      resolve();
    };
    writable.once("drain", settle);
    writable.once("close", settle);
  });
}
