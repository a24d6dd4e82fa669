import { delay } from "@std/async/delay";

/** The longest wait that a server can ask for, in milliseconds, unless an option sets another. */
export const LONGEST_WAIT_MS = 60_000;

/** The number of attempts, unless an option sets another. */
export const ATTEMPTS = 4;

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /**
   * The number of attempts in total.
   *
   * @default 4
   */
  attempts?: number;
  /**
   * The delay before the second attempt, in milliseconds; it triples before each further one.
   *
   * @default 200
   */
  delayMs?: number;
  /**
   * The longest wait, in milliseconds.
   * @default 60000
   */
  maxDelayMs?: number;
  /**
   * Returns a number from 0 to 1 that spreads the delays.
   *
   * @default Math.random
   */
  random?: () => number;
  /**
   * Decides whether a failure is tried again; `usual` is whether it would be without this. A request that can't be
   * repeated is never tried again.
   *
   * @default the usual decision
   */
  when?: (error: unknown, usual: boolean) => boolean;
  /**
   * Waits for `ms` milliseconds.
   *
   * @default a timer
   */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /**
   * Ends the attempts and the waits.
   *
   * @default none
   */
  signal?: AbortSignal;
}

/**
 * The decision after a failed attempt: `false` gives up; an object tries again, after `afterMs` milliseconds at the
 * earliest.
 */
export type RetryVerdict = false | { afterMs?: number };

/**
 * Calls `work` until it succeeds, `verdict` gives up or the attempts are used up, and then throws the last error. A
 * delay that the server asked for is kept, up to `maxDelayMs`.
 */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  verdict: (error: unknown) => RetryVerdict,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = ATTEMPTS, delayMs = 200, maxDelayMs = LONGEST_WAIT_MS, random = Math.random, signal } = options;
  const { wait = (ms, signal) => delay(ms, { signal }) } = options;
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      if (signal?.aborted || attempt >= attempts) throw error;
      const next = decide(verdict(error), error, options);
      if (next === false) throw error;
      const backoff = delayMs * 3 ** (attempt - 1) * (1 + 0.1 * random());
      await wait(Math.min(Math.max(backoff, next.afterMs ?? 0), maxDelayMs), signal);
    }
  }
}

/** Returns the decision after a failure, by the option for it where there is one. */
export function decide(usual: RetryVerdict, error: unknown, { when }: Pick<RetryOptions, "when">): RetryVerdict {
  if (when === undefined) return usual;
  return when(error, usual !== false) ? usual || {} : false;
}
