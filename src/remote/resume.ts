import { delay } from "@std/async/delay";
import { GcraneError, NetworkError } from "../errors.ts";
import { BodyReader } from "../http/mod.ts";
import type { AbortOptions, RetryOptions } from "../io/mod.ts";
import { type ByteStream, pullStream } from "../runtime/mod.ts";
import { redactedCause } from "../transport/internal.ts";

/** Options of {@linkcode resumable}. */
export interface ResumeOptions extends AbortOptions {
  /**
   * The index of the first byte.
   *
   * @default 0
   */
  readonly start?: number;
  /** The total number of bytes: a stream that ends earlier was cut. */
  readonly size: number;
  /** The name of the bytes in an error. */
  readonly what: string;
  /**
   * The longest wait for the next byte in milliseconds before the stream is reopened; 0 means no limit.
   * @default 60000
   */
  readonly stallMs?: number | undefined;
  /** The number of attempts to reopen a stream that makes no progress, and the waits between them. */
  readonly retry?: Omit<RetryOptions, "signal">;
}

/** The number of received bytes that resets the attempts. */
const WORTH_NEW_TRIES = 256 * 1024;

/**
 * Returns a stream that survives cut connections: if reading fails, it is reopened at the reached offset. Every 256 KiB
 * reset the number of attempts, so a long download over a bad line completes, but a stream with a few bytes per
 * connection fails.
 *
 * @param openAt opens the stream at an offset
 */
export async function resumable(
  openAt: (offset: number) => Promise<ByteStream>,
  options: ResumeOptions,
): Promise<ByteStream> {
  const { signal, start = 0, size, what } = options;
  const {
    attempts = 4,
    delayMs = 200,
    when = (_error: unknown, usual: boolean) => usual,
    wait = (ms: number, signal?: AbortSignal) => delay(ms, { signal }),
  } = options.retry ?? {};
  let isLent = false;
  const open = async (offset: number) => {
    const reader = new BodyReader(await openAt(offset), options.stallMs);
    return isLent ? reader.borrow() : reader;
  };
  let reader = await open(start);
  let offset = start;
  let earnedAt = start;
  let failures = 0;
  let cancelled = false;

  /** Reopens the stream as long as attempts are left. */
  const reopen = async (failure: unknown): Promise<void> => {
    while (true) {
      if (signal?.aborted) throw signal.reason;
      if (++failures >= attempts || !when(failure, true)) {
        throw new NetworkError(`${what}: the connection was cut at byte ${offset} and could not be resumed`, {
          cause: failure instanceof GcraneError ? failure : redactedCause(failure),
          hint: "check your network and try again",
        });
      }
      await wait(delayMs * 3 ** (failures - 1), signal);
      try {
        reader = await open(offset);
        if (cancelled) await reader.cancel();
        return;
      } catch (error) {
        if (!when(error, error instanceof NetworkError)) throw error;
        failure = error;
      }
    }
  };
  return pullStream({
    async read() {
      while (true) {
        try {
          const value = await reader.read();
          if (value === undefined && offset < size) throw new Error("the answer ended early");
          offset += value?.length ?? 0;
          if (offset - earnedAt >= WORTH_NEW_TRIES) {
            earnedAt = offset;
            failures = 0;
          }
          return value;
        } catch (error) {
          if (cancelled) return undefined;
          // All bytes have arrived; only the end of the response was lost.
          if (offset === size && !signal?.aborted) return undefined;
          await reopen(error);
        }
      }
    },
    async cancel(reason) {
      cancelled = true;
      await reader.cancel(reason).catch(() => {}); // the stream may have failed already
    },
    lend() {
      isLent = true;
      reader.borrow();
    },
  });
}
