import { delay } from "@std/async/delay";
import { type Bytes, type ByteStream, ChunkReader, sharedWait } from "../runtime/mod.ts";

/** The time limits of HTTP requests, in milliseconds; 0 for no limit. */
export interface Timeouts {
  /**
   * For a connection, and for the response to the request that checks whether the server is there.
   * @default 30000
   */
  connectMs?: number;
  /**
   * For the first byte of the response to a GET or HEAD of a manifest, a blob or a token.
   * @default 60000
   */
  answerMs?: number;
  /**
   * For the first byte of the response to any other request: lists, and writes, from the last byte sent.
   * @default 600000
   */
  slowAnswerMs?: number;
  /**
   * For the next byte of a body.
   * @default 60000
   */
  stallMs?: number;
}

/** The defaults. */
const DEFAULT_TIMEOUTS: Readonly<Required<Timeouts>> = {
  connectMs: 30_000,
  answerMs: 60_000,
  slowAnswerMs: 600_000,
  stallMs: 60_000,
};

/** Fills in the defaults. */
export function timeoutsOf(timeouts: Timeouts = {}): Required<Timeouts> {
  const given = Object.entries(timeouts).filter(([, ms]) => ms !== undefined);
  return { ...DEFAULT_TIMEOUTS, ...Object.fromEntries(given) };
}

/** Waits for `ms` milliseconds. An abort rejects with the signal's reason. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

/** A limit from which on its wait begins with a shared one, in milliseconds: most servers answer within that. */
const LONG_MS = 1000;

/** The reason of an abort of a wait, which no caller sees: one of its own each time would take a stack trace. */
const ENDED = new Error("the wait has ended");

async function waitLong(ms: number, signal?: AbortSignal): Promise<void> {
  const start = performance.now();
  if (ms >= LONG_MS) await sharedWait(signal);
  await delay(ms - (performance.now() - start), { signal });
}

/** The server did not answer or continue in time. */
export class TimeLimitError extends Error {
  /** Creates the error for a limit and the awaited thing. */
  constructor(ms: number, awaited: string) {
    super(`no ${awaited} within ${ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}`);
    this.name = "TimeoutError";
  }
}

/**
 * Aborts its signal when a wait for the server lasts too long. One timer serves many waits, so that a wait for each
 * chunk of a large body costs almost nothing.
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

  /** Creates a limit that is not waiting; `awaited` is the awaited thing, for the error. */
  constructor(ms: number, awaited: string, wait: Wait = waitLong) {
    this.#ms = ms;
    this.#awaited = awaited;
    this.#wait = wait;
  }

  /** Aborts with a {@linkcode TimeLimitError}. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Starts or restarts a wait. */
  begin(): void {
    if (this.#ms === 0 || this.#hasEnded) return;
    this.#isWaiting = true;
    this.#waits++;
    this.#since = performance.now();
    if (!this.#timer) this.#arm(this.#ms);
  }

  /** Stops the wait. Another one may follow. */
  pause(): void {
    this.#isWaiting = false;
  }

  /** Stops the wait and the timer. No other wait follows. */
  end(): void {
    this.#hasEnded = true;
    this.#timer?.abort(ENDED);
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

/** Reads a response body, and fails with a {@linkcode TimeLimitError} if the next byte takes too long. */
export class BodyReader {
  readonly #reader: ChunkReader;
  readonly #limit: TimeLimit;
  readonly #late: (error: unknown) => unknown;

  /**
   * Creates a reader.
   *
   * @param ms how long to wait for the next byte, in milliseconds; 0 for no limit
   * @param late maps the error to throw
   */
  constructor(body: ByteStream, ms = DEFAULT_TIMEOUTS.stallMs, late: (error: unknown) => unknown = (error) => error) {
    const reader = this.#reader = new ChunkReader(body);
    const { signal } = this.#limit = new TimeLimit(ms, "byte of the answer");
    signal.addEventListener("abort", () => reader.cancel(signal.reason).catch(() => {}), { once: true });
    this.#late = late;
  }

  /** Notes before the first read that a chunk is needed only until the next one. */
  borrow(): this {
    this.#reader.borrow({ isBody: true });
    return this;
  }

  /** Returns the next chunk; `undefined` at the end. */
  async read(): Promise<Bytes | undefined> {
    this.#limit.begin();
    try {
      const value = await this.#reader.read();
      if (this.#limit.signal.aborted) throw this.#late(this.#limit.signal.reason);
      if (value === undefined) this.#limit.end();
      else this.#limit.pause();
      return value;
    } catch (error) {
      this.#limit.end();
      throw error;
    }
  }

  /** Cancels the body. */
  cancel(reason?: unknown): Promise<void> {
    this.#limit.end();
    return this.#reader.cancel(reason);
  }
}
