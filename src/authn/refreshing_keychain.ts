import { abortable } from "../io/mod.ts";
import { anonymous, type Authenticator } from "./authenticator.ts";
import type { Keychain } from "./keychain.ts";

/** Options of {@linkcode refreshingKeychain}. */
export interface RefreshingKeychainOptions {
  /**
   * How long credentials are used before the inner keychain is called again, in milliseconds.
   * @default 300000 (five minutes)
   */
  durationMs?: number;
  /**
   * The time in milliseconds.
   * @default Date.now
   */
  clock?: () => number;
}

/**
 * A keychain whose authenticators call `inner` again when their credentials are older than `durationMs`. If `inner` has
 * none any more, the old credentials stay: work with an identity must not continue without one.
 */
export function refreshingKeychain(inner: Keychain, options: RefreshingKeychainOptions = {}): Keychain {
  const { durationMs = 300_000, clock = Date.now } = options;
  return {
    async resolve(target, { signal } = {}) {
      const asked = clock();
      const first = await inner.resolve(target, { signal });
      if (first === anonymous) return anonymous;
      return refreshing(first, { asked, durationMs, clock, resolve: () => inner.resolve(target) });
    },
  };
}

interface Refreshing extends Required<RefreshingKeychainOptions> {
  asked: number;
  resolve: () => ReturnType<Keychain["resolve"]>;
}

function refreshing(first: Authenticator, { asked, durationMs, clock, resolve }: Refreshing): Authenticator {
  let current = Promise.resolve(first);
  let known = first;
  /** Calls `inner` again. Concurrent callers share the call, and a failure leaves the old credentials expired. */
  const refresh = () => {
    const before = asked;
    const attempt = resolve().then((found) => known = found === anonymous ? known : found);
    asked = clock();
    current = attempt;
    attempt.catch(() => {
      asked = before;
    });
  };
  return {
    async authorization({ signal } = {}) {
      if (clock() - asked > durationMs) refresh();
      const authenticator = await abortable(current, signal);
      return authenticator.authorization({ signal });
    },
  };
}
