import { delay } from "@std/async/delay";
import type { AbortOptions } from "./lazy.ts";

/** Options of a {@linkcode RateLimit}. */
export interface RateLimitOptions {
  /**
   * The time, in milliseconds since some moment.
   * @default performance.now
   */
  now?: () => number;
  /**
   * How to wait.
   * @default a timer
   */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Lets so many through in a second, evenly: requests, or bytes. */
export class RateLimit {
  readonly #msEach: number;
  readonly #now: () => number;
  readonly #wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** When the next one may pass. */
  #next = -Infinity;

  /** Makes it. @throws {RangeError} unless `perSecond` is above 0. */
  constructor(perSecond: number, options: RateLimitOptions = {}) {
    if (!(perSecond > 0)) throw new RangeError(`a rate is a number above 0, not ${perSecond}`);
    this.#msEach = 1000 / perSecond;
    this.#now = options.now ?? (() => performance.now());
    this.#wait = options.wait ?? ((ms, signal) => delay(ms, { signal }));
  }

  /** Waits until `count` more may pass. Whoever asks first passes first. */
  async pass(count: number, { signal }: AbortOptions = {}): Promise<void> {
    const now = this.#now();
    const turn = Math.max(this.#next, now);
    this.#next = turn + count * this.#msEach;
    if (turn > now) await this.#wait(turn - now, signal);
  }
}
