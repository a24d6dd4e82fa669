/** Options of a call that somebody may abort. */
export interface AbortOptions {
  /**
   * Ends this caller's wait, and only this caller's.
   * @default none
   */
  signal?: AbortSignal;
}

/**
 * Returns a value that is computed when it is first asked for, and once: callers meanwhile share the computation, a
 * failure is forgotten so that the next caller tries again, and an abort ends only the wait of the caller whose signal
 * it was.
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

/** Returns the promise, or the signal's reason if that comes first. What was being waited for goes on. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
