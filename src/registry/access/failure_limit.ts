import { BoundedMap } from "../../io/mod.ts";

/** Options of {@linkcode FailureLimit}. */
export interface FailureLimitOptions {
  /** How many failures within a window are let pass. */
  readonly limit: number;
  /** The length of a window, in milliseconds. */
  readonly windowMs: number;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
}

/** Beyond so many keys the oldest are forgotten, so that nobody fills the memory with made-up names. */
const MOST_KEYS = 20_000;

/** Counts failures by key, and says who has had too many. */
export class FailureLimit {
  readonly #options: FailureLimitOptions;
  readonly #windows = new BoundedMap<string, { count: number; readonly ends: number }>(MOST_KEYS);

  /** Makes it, with nothing counted. */
  constructor(options: FailureLimitOptions) {
    this.#options = options;
  }

  /** How many milliseconds a key has to wait; 0 when it may go on. */
  wait(key: string): number {
    const window = this.#window(key);
    return window && window.count >= this.#options.limit ? window.ends - this.#options.clock() : 0;
  }

  /** Counts a failure. It is counted before it is one, and taken back: many tries at once are no way round. */
  add(key: string): void {
    let window = this.#window(key);
    if (!window) {
      window = { count: 0, ends: this.#options.clock() + this.#options.windowMs };
      this.#windows.set(key, window);
    }
    window.count++;
  }

  /** Takes one back. */
  takeBack(key: string): void {
    const window = this.#windows.get(key);
    if (window && --window.count <= 0) this.#windows.delete(key);
  }

  #window(key: string): { count: number; readonly ends: number } | undefined {
    const window = this.#windows.get(key);
    return window && window.ends > this.#options.clock() ? window : undefined;
  }
}
