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

/** The time between two tries of a key that has to wait, in milliseconds. */
const PAUSE_MS = 1_000;

interface Window {
  count: number;
  lastTry: number;
  readonly ends: number;
}

/** Counts failures by key, and slows down the keys with too many. None is locked out: one try a second is always left. */
export class FailureLimit {
  readonly #options: FailureLimitOptions;
  readonly #windows = new BoundedMap<string, Window>(MOST_KEYS);

  /** Makes a limit with nothing counted. */
  constructor(options: FailureLimitOptions) {
    this.#options = options;
  }

  /** Returns whether a key has too many failures. */
  isOver(key: string): boolean {
    return (this.#window(key)?.count ?? 0) >= this.#options.limit;
  }

  /** Returns for how many milliseconds a key has to wait if there is to be a second between its tries. */
  pause(key: string): number {
    const window = this.#window(key);
    return window ? Math.max(window.lastTry + PAUSE_MS - this.#options.clock(), 0) : 0;
  }

  /** Counts a try as a failure, to be taken back if it succeeds, so that simultaneous tries count too. */
  add(key: string): void {
    const now = this.#options.clock();
    let window = this.#window(key);
    if (!window) {
      window = { count: 0, lastTry: now, ends: now + this.#options.windowMs };
      this.#windows.set(key, window);
    }
    window.count++;
    window.lastTry = now;
  }

  /** Takes a failure back. */
  takeBack(key: string): void {
    const window = this.#windows.get(key);
    if (window && --window.count <= 0) this.#windows.delete(key);
  }

  #window(key: string): Window | undefined {
    const window = this.#windows.get(key);
    return window && window.ends > this.#options.clock() ? window : undefined;
  }
}
