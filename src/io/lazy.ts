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

/**
 * Waits for a promise, or rejects with the signal's reason if the signal aborts first. The work behind the promise
 * continues.
 */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {}); // the caller has no use for its failure
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
