import { AuthError } from "../errors.ts";
import { abortable, type AbortOptions } from "../io/mod.ts";

/** A value that expires. */
export interface Expiring<T> {
  /** The value. */
  readonly value: T;
  /** When it expires, in milliseconds since the epoch; now or earlier means that it is obtained for each call. */
  readonly expiresAt: number;
}

/** The longest time before expiry at which a value is renewed; for a short lifetime, half of it. */
const LONGEST_MARGIN_MS = 60_000;
/** How long the absence of a value is remembered. */
const ABSENCE_MS = 60_000;
/** How long a failure is remembered, so that many repositories do not wait for the same dead server. */
const FAILURE_MS = 10_000;

/**
 * A value that is obtained on first use and renewed shortly before it expires. Concurrent callers share one exchange,
 * and an abort ends only the wait of its own caller. After a failed renewal, or one without a value, the old value is
 * used until it expires. After that, or without any value, all callers get the failure for ten seconds.
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
      // The absence may be temporary: a busy server may fail to answer.
      if (found === undefined && current?.value !== undefined) throw new AuthError("they are no longer available");
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

/** The current value, or its absence. */
interface Kept<T> extends Expiring<T | undefined> {
  /** When it is renewed. */
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
