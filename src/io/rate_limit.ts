import { delay } from "@std/async/delay";
import type { AbortOptions } from "./lazy.ts";

/** Options of a {@linkcode RateLimit}. */
export interface RateLimitOptions {
  /**
   * Returns the time, in milliseconds since any fixed moment.
   *
   * @default performance.now
   */
  now?: () => number;
  /**
   * Waits for `ms` milliseconds.
   *
   * @default a timer
   */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Limits requests or bytes to a number per second, spread evenly. */
export class RateLimit {
  readonly #msEach: number;
  readonly #now: () => number;
  readonly #wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** The time of the next permitted unit. */
  #next = -Infinity;

  /** Creates a limit. @throws {RangeError} if `perSecond` is not above 0. */
  constructor(perSecond: number, options: RateLimitOptions = {}) {
    if (!(perSecond > 0)) throw new RangeError(`a rate is a number above 0, not ${perSecond}`);
    this.#msEach = 1000 / perSecond;
    this.#now = options.now ?? (() => performance.now());
    this.#wait = options.wait ?? ((ms, signal) => delay(ms, { signal }));
  }

  /** Waits until `count` more units may pass. Callers pass in the order of their calls. */
  async pass(count: number, { signal }: AbortOptions = {}): Promise<void> {
    const now = this.#now();
    const turn = Math.max(this.#next, now);
    this.#next = turn + count * this.#msEach;
    if (turn > now) await this.#wait(turn - now, signal);
  }
}
