import { delay } from "@std/async/delay";
import type { Bytes, ByteStream } from "../runtime/mod.ts";

/** How long a conversation over HTTP waits for the other side, in milliseconds; 0 means without end. */
export interface Timeouts {
  /**
   * For a connection, and for the answer to the request that finds out whether the server is there.
   * @default 30000
   */
  connectMs?: number;
  /**
   * For the first byte of the answer to a GET or HEAD of a manifest, a blob or a token.
   * @default 60000
   */
  answerMs?: number;
  /**
   * For the first byte of the answer to any other request: lists, and writes, from the last byte sent on.
   * @default 600000
   */
  slowAnswerMs?: number;
  /**
   * For the next byte of a body.
   * @default 60000
   */
  stallMs?: number;
}

/** The timeouts where none are given. */
const DEFAULT_TIMEOUTS: Readonly<Required<Timeouts>> = {
  connectMs: 30_000,
  answerMs: 60_000,
  slowAnswerMs: 600_000,
  stallMs: 60_000,
};

/** Fills the defaults in. */
export function timeoutsOf(timeouts: Timeouts = {}): Required<Timeouts> {
  const { connectMs, answerMs, slowAnswerMs, stallMs } = DEFAULT_TIMEOUTS;
  return {
    connectMs: timeouts.connectMs ?? connectMs,
    answerMs: timeouts.answerMs ?? answerMs,
    slowAnswerMs: timeouts.slowAnswerMs ?? slowAnswerMs,
    stallMs: timeouts.stallMs ?? stallMs,
  };
}

/** Waits so many milliseconds; the signal ends the wait by throwing its reason. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

/** The other side did not go on in time. */
export class TimeLimitError extends Error {
  /** Makes the error for the time that was waited. */
  constructor(ms: number, awaited: string) {
    super(`no ${awaited} within ${ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}`);
    this.name = "TimeoutError";
  }
}

/**
 * Aborts its signal where the other side lets a wait last too long. It has one timer, which runs on while nothing is
 * waited for: a wait for each of a million chunks costs a comparison.
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

  /** Makes it, with nothing waited for; `awaited` names what is, for the error. */
  constructor(ms: number, awaited: string, wait: Wait = (ms, signal) => delay(ms, { signal })) {
    this.#ms = ms;
    this.#awaited = awaited;
    this.#wait = wait;
  }

  /** Aborts with a {@linkcode TimeLimitError}. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Begins a wait for the other side, or begins it anew. */
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

  /** Ends all waits, and the timer; no other one follows. */
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

/** Reads the body of an answer, and fails with a {@linkcode TimeLimitError} where the next byte takes too long. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #limit: TimeLimit;
  readonly #late: (error: unknown) => unknown;

  /**
   * Makes it.
   *
   * @param ms for how many milliseconds the next byte is waited for; 0 means without end
   * @param late makes the error to fail with
   */
  constructor(body: ByteStream, ms = DEFAULT_TIMEOUTS.stallMs, late: (error: unknown) => unknown = (error) => error) {
    const reader = this.#reader = body.getReader();
    const { signal } = this.#limit = new TimeLimit(ms, "byte of the answer");
    signal.addEventListener("abort", () => reader.cancel(signal.reason).catch(() => {}), { once: true });
    this.#late = late;
  }

  /** The next chunk; `undefined` at the end. */
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

  /** Ends the body, whose rest is not wanted. */
  cancel(reason?: unknown): Promise<void> {
    this.#limit.end();
    return this.#reader.cancel(reason);
  }
}
