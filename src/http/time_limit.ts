import { delay } from "@std/async/delay";
import type { Bytes, ByteStream } from "../runtime/mod.ts";

/** The longest waits for a server, in milliseconds; 0 means no limit. */
export interface Timeouts {
  /**
   * The wait for a connection, and for the response to the first request to a server.
   *
   * @default 30000
   */
  connectMs?: number;
  /**
   * The wait for the first byte of the response to a GET or HEAD of a manifest, a blob or a token.
   *
   * @default 60000
   */
  answerMs?: number;
  /**
   * The wait for the first byte of the response to any other request: lists, and writes, from the last byte sent.
   *
   * @default 600000
   */
  slowAnswerMs?: number;
  /**
   * The wait for the next byte of a body.
   *
   * @default 60000
   */
  stallMs?: number;
}

/** The default timeouts. */
const DEFAULT_TIMEOUTS: Readonly<Required<Timeouts>> = {
  connectMs: 30_000,
  answerMs: 60_000,
  slowAnswerMs: 600_000,
  stallMs: 60_000,
};

/** Adds the defaults. */
export function timeoutsOf(timeouts: Timeouts = {}): Required<Timeouts> {
  const { connectMs, answerMs, slowAnswerMs, stallMs } = DEFAULT_TIMEOUTS;
  return {
    connectMs: timeouts.connectMs ?? connectMs,
    answerMs: timeouts.answerMs ?? answerMs,
    slowAnswerMs: timeouts.slowAnswerMs ?? slowAnswerMs,
    stallMs: timeouts.stallMs ?? stallMs,
  };
}

/** Waits for a number of milliseconds. An abort rejects with the signal's reason. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

/** The error of a wait that took too long. */
export class TimeLimitError extends Error {
  /** Creates the error for the time of the wait. */
  constructor(ms: number, awaited: string) {
    super(`no ${awaited} within ${ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}`);
    this.name = "TimeoutError";
  }
}

/**
 * Aborts its signal if a wait for the server takes too long. It has a single timer, which keeps running between waits:
 * a wait for each of a million chunks costs only a comparison.
 */
export class TimeLimit {
  readonly #ms: number;
  readonly #awaited: string;
  readonly #wait: Wait;
  readonly #over = new AbortController();
  #timer: AbortController | undefined;
  #isWaiting = false;
  #hasEnded = false;
  #waits = 0;
  #since = 0;

  /** Creates a limit without a pending wait; `awaited` is the awaited event in the error. */
  constructor(ms: number, awaited: string, wait: Wait = (ms, signal) => delay(ms, { signal })) {
    this.#ms = ms;
    this.#awaited = awaited;
    this.#wait = wait;
  }

  /** Aborts with a {@linkcode TimeLimitError}. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Begins a wait for the server, or restarts it. */
  begin(): void {
    if (this.#ms === 0 || this.#hasEnded) return;
    this.#isWaiting = true;
    this.#waits++;
    this.#since = performance.now();
    if (!this.#timer) this.#arm(this.#ms);
  }

  /** Ends a wait; another one may follow. */
  pause(): void {
    this.#isWaiting = false;
  }

  /** Ends all waits, and the timer; no other wait may follow. */
  end(): void {
    this.#hasEnded = true;
    this.#timer?.abort();
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    const timer = this.#timer = new AbortController();
    const waits = this.#waits;
    this.#wait(ms, timer.signal).then(() => {
      if (this.#timer !== timer) return;
      this.#timer = undefined;
      if (!this.#isWaiting) return;
      if (waits === this.#waits) this.#over.abort(new TimeLimitError(this.#ms, this.#awaited));
      else this.#arm(Math.max(1, this.#since + this.#ms - performance.now()));
    }, () => {});
  }
}

/** Reads the body of a response, and fails with a {@linkcode TimeLimitError} if the next byte takes too long. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #limit: TimeLimit;
  readonly #late: (error: unknown) => unknown;

  /**
   * Creates a reader.
   *
   * @param ms the longest wait for the next byte in milliseconds; 0 means no limit
   * @param late converts the error of a wait that took too long
   */
  constructor(body: ByteStream, ms = DEFAULT_TIMEOUTS.stallMs, late: (error: unknown) => unknown = (error) => error) {
    const reader = this.#reader = body.getReader();
    const { signal } = this.#limit = new TimeLimit(ms, "byte of the answer");
    signal.addEventListener("abort", () => reader.cancel(signal.reason).catch(() => {}), { once: true });
    this.#late = late;
  }

  /** Returns the next chunk, or `undefined` at the end. */
  async read(): Promise<Bytes | undefined> {
    this.#limit.begin();
    try {
      const { value } = await this.#reader.read();
      if (this.#limit.signal.aborted) throw this.#late(this.#limit.signal.reason);
      if (value === undefined) this.#limit.end();
      else this.#limit.pause();
      return value;
    } catch (error) {
      this.#limit.end();
      throw error;
    }
  }

  /** Cancels the rest of the body. */
  cancel(reason?: unknown): Promise<void> {
    this.#limit.end();
    return this.#reader.cancel(reason);
  }
}
