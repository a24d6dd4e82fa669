// Waits, each with an end.

/** Far longer than a busy machine takes, and far shorter than the silence at which the driver ends the whole run. */
const LIMIT_MS = 60_000;

/** How {@linkcode until} waits. */
export interface UntilOptions {
  /** What is waited for, for the error; the condition's own text otherwise. */
  what?: string | (() => string);
  /** The longest wait, in milliseconds. */
  limit?: number;
}

/** Waits until a condition holds, a millisecond between one look and the next; throws what it waited for after a minute. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what = String(condition), limit = LIMIT_MS }: UntilOptions = {},
): Promise<void> {
  const end = performance.now() + limit;
  while (!await within(condition(), { what, limit: end - performance.now() })) {
    if (performance.now() > end) throw inVain(what);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Waits for a promise; throws what it waited for after a minute. */
export async function within<T>(
  promise: T | Promise<T>,
  { what, limit = LIMIT_MS }: UntilOptions & { what: string | (() => string) },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(inVain(what)), Math.max(limit, 0));
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function inVain(what: string | (() => string)): Error {
  return new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
}

/** A promise that resolves when the event loop has gone round a few times: what was about to happen has happened. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A place where so many must meet before any goes on. */
export function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return () => {
    if (--count === 0) resolve();
    return promise;
  };
}
