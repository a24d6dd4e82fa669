import { BoundedMap } from "../../io/mod.ts";

/** Options of {@linkcode FailureLimit}. */
export interface FailureLimitOptions {
  /** The number of failures that are allowed within a window. */
  readonly limit: number;
  /** The length of a window, in milliseconds. */
  readonly windowMs: number;
  /** The time, in milliseconds since 1970. */
  readonly clock: () => number;
}

/** The most keys that are counted: made-up names must not fill the memory. */
const MOST_KEYS = 20_000;

/** Counts failures by key, and finds the keys with too many. */
export class FailureLimit {
  readonly #options: FailureLimitOptions;
  readonly #windows = new BoundedMap<string, { count: number; readonly ends: number }>(MOST_KEYS);

  /** Makes a limit with nothing counted. */
  constructor(options: FailureLimitOptions) {
    this.#options = options;
  }

  /** Returns for how many milliseconds a key has to wait; 0 if it need not. */
  wait(key: string): number {
    const window = this.#window(key);
    return window && window.count >= this.#options.limit ? window.ends - this.#options.clock() : 0;
  }

  /** Counts a try as a failure, to be taken back if it succeeds, so that simultaneous tries count too. */
  add(key: string): void {
    let window = this.#window(key);
    if (!window) {
      window = { count: 0, ends: this.#options.clock() + this.#options.windowMs };
      this.#windows.set(key, window);
    }
    window.count++;
  }

  /** Takes a failure back. */
  takeBack(key: string): void {
    const window = this.#windows.get(key);
    if (window && --window.count <= 0) this.#windows.delete(key);
  }

  #window(key: string): { count: number; readonly ends: number } | undefined {
    const window = this.#windows.get(key);
    return window && window.ends > this.#options.clock() ? window : undefined;
  }
}
