import type { Io } from "./io.ts";

/** The time in milliseconds that a command has to stop by itself, so that the program stops within a second. */
const patience = 700;

/** The signal that ended the work. */
export type InterruptSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Returns the exit code of a program that a signal ended, as shells do. */
export function interruptCode(signal: InterruptSignal): number {
  return CODES[signal];
}

/**
 * Handles what ends a run early: Ctrl-C, SIGTERM, the end of the terminal, a failing output, an unhandled error. The
 * first aborts the work and gives it a moment to stop by itself; a second signal ends the program immediately.
 */
export class Interruption {
  readonly #io: Io;
  readonly #controller = new AbortController();
  readonly #end = Promise.withResolvers<never>();
  readonly #undo: (() => void)[];
  #interruptedBy: InterruptSignal | undefined;
  #isPatient = false;
  #endHangUp = () => {};

  /** Starts to listen. */
  constructor(io: Io) {
    this.#io = io;
    this.#end.promise.catch(() => {});
    if (!io.isHangUpIgnored()) this.#endHangUp = io.onHangUp(() => this.#interrupt("SIGHUP"));
    this.#undo = [
      io.onInterrupt((signal) => this.#interrupt(signal)),
      () => this.#endHangUp(),
      io.onUnhandledError((error) => this.#end.reject(error)),
    ];
  }

  /** Aborted when the work should stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that has arrived, if any. */
  get interruptedBy(): InterruptSignal | undefined {
    return this.#interruptedBy;
  }

  /** Gives the work unlimited time to stop. */
  waitForWork(): void {
    this.#isPatient = true;
  }

  /** Calls a handler on SIGHUP, which then no longer ends the run. Returns a function that removes the handler. */
  onHangUp(handler: () => void): () => void {
    this.#endHangUp();
    this.#endHangUp = () => {};
    return this.#io.onHangUp(handler);
  }

  /** Aborts the work with a reason, which {@linkcode Interruption.wait} throws if the work does not stop by itself. */
  stop(reason: unknown): void {
    if (this.signal.aborted) return;
    if (!this.#isPatient) this.#undo.push(this.#io.clock.after(patience, () => this.#end.reject(reason)));
    this.#controller.abort(reason);
  }

  /** Waits for work, but not for work that does not stop after an abort. */
  async wait<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#end.promise]);
  }

  /** Stops listening. */
  close(): void {
    for (const undo of this.#undo) undo();
  }

  #interrupt(signal: InterruptSignal): void {
    if (this.#interruptedBy === undefined) {
      this.#interruptedBy = signal;
      this.stop(new DOMException("interrupted", "AbortError"));
    } else {
      this.#io.removeTemporaries();
      this.#io.exit(interruptCode(signal));
    }
  }
}
