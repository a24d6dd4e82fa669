import { delay } from "@std/async/delay";
import { GcraneError, NetworkError } from "../errors.ts";
import { BodyReader } from "../http/mod.ts";
import type { AbortOptions, RetryOptions } from "../io/mod.ts";
import { type ByteStream, pullStream } from "../runtime/mod.ts";
import { redactedCause } from "../transport/mod.ts";

/** Options of {@linkcode resumable}. */
export interface ResumeOptions extends AbortOptions {
  /**
   * The first byte.
   * @default 0
   */
  readonly start?: number;
  /** How many bytes there are: a stream that ends before was cut. */
  readonly size: number;
  /** What to call the bytes in an error. */
  readonly what: string;
  /**
   * For how many milliseconds the next byte is waited for, before the stream is opened again; 0 means without end.
   * @default 60000
   */
  readonly stallMs?: number | undefined;
  /** How often a stream that makes no progress is opened again, and the waits between. */
  readonly retry?: Omit<RetryOptions, "signal">;
}

/** How many bytes must have come since the last new tries were earned. */
const WORTH_NEW_TRIES = 256 * 1024;

/**
 * A stream that outlives cut connections: when reading fails, it is opened again where it stopped. Every 256 KiB that
 * arrive earn new tries, so a long download over a bad line comes to its end, and one that is fed byte by byte fails.
 *
 * @param openAt opens the stream at an offset
 */
export async function resumable(
  openAt: (offset: number) => Promise<ByteStream>,
  options: ResumeOptions,
): Promise<ByteStream> {
  const { signal, start = 0, size, what } = options;
  const { attempts = 4, delayMs = 200, wait = (ms: number, signal?: AbortSignal) => delay(ms, { signal }) } = options.retry ?? {};
  const open = async (offset: number) => new BodyReader(await openAt(offset), options.stallMs);
  let reader = await open(start);
  let offset = start;
  let earnedAt = start;
  let failures = 0;
  let cancelled = false;

  /** Opens the stream again, for as long as tries are left. */
  const reopen = async (failure: unknown): Promise<void> => {
    while (true) {
      if (signal?.aborted) throw signal.reason;
      if (++failures >= attempts) {
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
        if (!(error instanceof NetworkError)) throw error;
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
          // Only the end of the answer was lost.
          if (offset === size && !signal?.aborted) return undefined;
          await reopen(error);
        }
      }
    },
    async cancel(reason) {
      cancelled = true;
      await reader.cancel(reason).catch(() => {}); // it may have failed already
    },
  });
}
