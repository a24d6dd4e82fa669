import type { Io } from "./io.ts";

/** How long a command may take to stop by itself: with it, the whole stops within a second. */
const patience = 700;

/** What ended the work early. */
export type InterruptSignal = "SIGINT" | "SIGTERM";

/** Returns the exit code of a program that a signal ended, as shells count it. */
export function interruptCode(signal: InterruptSignal): number {
  return signal === "SIGINT" ? 130 : 143;
}

/**
 * What ends one run early: Ctrl-C, SIGTERM, an output that fails, an error nobody waits for. The first aborts the work
 * and gives it a moment to stop by itself; a second signal ends the program at once.
 */
export class Interruption {
  readonly #io: Io;
  readonly #controller = new AbortController();
  readonly #end = Promise.withResolvers<never>();
  readonly #undo: (() => void)[];
  #interruptedBy: InterruptSignal | undefined;
  #isPatient = false;

  /** Listens from now on. */
  constructor(io: Io) {
    this.#io = io;
    this.#end.promise.catch(() => {});
    this.#undo = [
      io.onInterrupt((signal) => this.#interrupt(signal)),
      io.onUnhandledError((error) => this.#end.reject(error)),
    ];
  }

  /** Aborted when the work is to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Which signal came; `undefined` as long as none did. */
  get interruptedBy(): InterruptSignal | undefined {
    return this.#interruptedBy;
  }

  /** Lets the work take as long as it needs when it was told to stop. */
  waitForWork(): void {
    this.#isPatient = true;
  }

  /** Aborts the work, for a reason that {@linkcode Interruption.wait} throws if the work does not stop by itself. */
  stop(reason: unknown): void {
    if (this.signal.aborted) return;
    if (!this.#isPatient) this.#undo.push(this.#io.clock.after(patience, () => this.#end.reject(reason)));
    this.#controller.abort(reason);
  }

  /** Waits for work, but not for work that hangs after it was told to stop. */
  async wait<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#end.promise]);
  }

  /** Listens no more. */
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
