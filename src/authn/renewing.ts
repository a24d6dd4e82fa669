import { AuthError } from "../errors.ts";
import { abortable, type AbortOptions } from "../io/mod.ts";

/** Something that is good for a while. */
export interface Expiring<T> {
  /** The thing itself. */
  readonly value: T;
  /** When it ends, in milliseconds since the epoch; now or earlier means that it must be asked for each time. */
  readonly expiresAt: number;
}

/** How long before its end a value is asked for anew, at the most; of a short life, half of it. */
const LONGEST_MARGIN_MS = 60_000;
/** How long it is remembered that there was nothing. */
const ABSENCE_MS = 60_000;
/** How long a failure is remembered, so that a thousand repositories do not wait for the same dead server. */
const FAILURE_MS = 10_000;

/**
 * A value that is obtained when it is first asked for and again shortly before its end. Callers meanwhile share one
 * exchange, and an abort ends only the wait of the caller whose signal it was. A renewal that fails, or finds nothing
 * any more, leaves the old value until its end; then, and when there is none yet, the failure is every caller's for ten
 * seconds.
 */
export function renewing<T>(
  obtain: () => Promise<Expiring<T> | undefined>,
  { now }: { now: () => number },
): (options?: AbortOptions) => Promise<T | undefined> {
  let current: Kept<T> | undefined;
  let failure: { readonly error: unknown; readonly until: number } | undefined;
  let pending: Promise<T | undefined> | undefined;

  const renew = async (): Promise<T | undefined> => {
    try {
      const found = await obtain();
      // It may come back: a server that was too busy to say that it is there.
      if (found === undefined && current?.value !== undefined) throw new AuthError("they are there no more");
      current = found === undefined ? absence(now()) : withMargin(found, now());
      failure = undefined;
      return current.value;
    } catch (error) {
      failure = { error, until: now() + FAILURE_MS };
      return valueInSpiteOf(error);
    } finally {
      pending = undefined;
    }
  };

  const valueInSpiteOf = (error: unknown): T | undefined => {
    if (current === undefined || now() >= current.expiresAt) throw error;
    return current.value;
  };

  // deno-lint-ignore require-await -- so that what is thrown at once is a rejection too
  return async ({ signal } = {}) => {
    signal?.throwIfAborted();
    if (current !== undefined && now() < current.renewAt) return current.value;
    if (failure !== undefined && now() < failure.until) return valueInSpiteOf(failure.error);
    return abortable(pending ??= renew(), signal);
  };
}

/** What is kept: a value, or that there was none. */
interface Kept<T> extends Expiring<T | undefined> {
  /** When it is asked for anew. */
  readonly renewAt: number;
}

function absence(now: number): Kept<never> {
  const end = now + ABSENCE_MS;
  return { value: undefined, expiresAt: end, renewAt: end };
}

function withMargin<T>({ value, expiresAt }: Expiring<T>, now: number): Kept<T> {
  const margin = Math.max(0, Math.min(LONGEST_MARGIN_MS, (expiresAt - now) / 2));
  return { value, expiresAt, renewAt: expiresAt - margin };
}
