import { abortable } from "../runtime/mod.ts";

/** Options of a call that can be aborted. */
export interface AbortOptions {
  /**
   * Ends the wait of this caller only.
   *
   * @default none
   */
  signal?: AbortSignal;
}

/**
 * Creates a function that computes a value on its first call and keeps it. Concurrent callers share the computation, a
 * failure is dropped so that the next caller tries again, and an abort ends only the wait of the caller that passed the
 * signal.
 */
export function lazy<T>(compute: () => Promise<T>): (options?: AbortOptions) => Promise<T> {
  let memo: Promise<T> | undefined;
  return ({ signal } = {}) => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!memo) {
      const attempt = compute();
      memo = attempt;
      attempt.catch(() => {
        if (memo === attempt) memo = undefined;
      });
    }
    return signal ? abortable(memo, signal) : memo;
  };
}
