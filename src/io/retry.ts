import { delay } from "@std/async/delay";

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /**
   * How often to try in all.
   * @default 4
   */
  attempts?: number;
  /**
   * How long to wait before the second try, in milliseconds; three times as long before each further one.
   * @default 200
   */
  delayMs?: number;
  /**
   * The longest wait, in milliseconds.
   * @default 60000
   */
  maxDelayMs?: number;
  /**
   * A number from 0 to 1 that spreads the waits.
   * @default Math.random
   */
  random?: () => number;
  /**
   * How to wait.
   * @default a timer
   */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /**
   * Ends the tries and the waits.
   * @default none
   */
  signal?: AbortSignal;
}

/** What a failed try says of the next: not to try, or to try, at the earliest after so many milliseconds. */
export type RetryVerdict = false | { afterMs?: number };

/**
 * Tries `work` until it succeeds, `verdict` says that it is no use, or the tries are used up; then its last error is
 * thrown. A wait that the other side asked for is kept, up to the longest.
 */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  verdict: (error: unknown) => RetryVerdict,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 4, delayMs = 200, maxDelayMs = 60_000, random = Math.random, signal } = options;
  const { wait = (ms, signal) => delay(ms, { signal }) } = options;
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      if (signal?.aborted || attempt >= attempts) throw error;
      const next = verdict(error);
      if (next === false) throw error;
      const backoff = delayMs * 3 ** (attempt - 1) * (1 + 0.1 * random());
      await wait(Math.min(Math.max(backoff, next.afterMs ?? 0), maxDelayMs), signal);
    }
  }
}
