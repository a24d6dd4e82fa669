import { denoHost } from "./host.ts";

/** The length of a shared wait, in milliseconds. */
const LENGTH = 250;

let current: { readonly signal: AbortSignal; readonly end: number } | undefined;

/**
 * Waits up to 250 ms on Deno, without `setTimeout`, whose first call loads node:timers there; elsewhere not at all. All
 * waits that begin meanwhile end together, so that a wait that is given up early costs one listener. An abort rejects
 * with the signal's reason.
 */
export function sharedWait(signal?: AbortSignal): Promise<void> {
  if (denoHost() === undefined) return Promise.resolve();
  const now = performance.now();
  if (current === undefined || current.signal.aborted || now >= current.end) {
    current = { signal: AbortSignal.timeout(LENGTH), end: now + LENGTH };
  }
  const { signal: timeout } = current;
  return new Promise((resolve, reject) => {
    const done = () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    };
    const aborted = () => {
      timeout.removeEventListener("abort", done);
      reject(signal?.reason);
    };
    if (signal?.aborted) return aborted();
    timeout.addEventListener("abort", done, { once: true });
    signal?.addEventListener("abort", aborted, { once: true });
  });
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
