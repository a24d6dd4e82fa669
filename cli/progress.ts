import type { Clock, MessagePort } from "./io.ts";
import { progressFrame } from "./progress_frame.ts";
import { type ProgressListener, ProgressState } from "./progress_state.ts";

export type { ProgressEvent, ProgressListener } from "./progress_state.ts";

const showAfter = 1000;
const redrawEvery = 100;
const eraseBelow = "\x1b[J";

/** Options of {@linkcode ProgressDisplay}. */
export interface ProgressDisplayOptions {
  /** The terminal. */
  readonly port: MessagePort;
  /** The clock that times the drawing. */
  readonly clock: Clock;
  /** Whether the terminal supports Unicode. */
  readonly unicode: boolean;
}

/**
 * Progress bars at the bottom of a terminal, for work of more than a second. They are drawn at most ten times a second,
 * regardless of the number of events, and are erased at the end.
 */
export class ProgressDisplay {
  readonly #options: ProgressDisplayOptions;
  readonly #state = new ProgressState();
  #drawn: readonly string[] = [];
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  /** Draws nothing before the first event. */
  constructor(options: ProgressDisplayOptions) {
    this.#options = options;
  }

  /** Receives the events. */
  readonly listener: ProgressListener = (event) => {
    if (this.#closed) return;
    this.#state.add(event, this.#options.clock.now());
    this.#cancelTimer ??= this.#options.clock.after(showAfter, () => this.#redraw());
  };

  /** Writes text above the bars; the text ends with a newline. */
  write(text: string): void {
    this.#options.port.write(
      `${this.#toTop()}${this.#drawn.length === 0 ? "" : eraseBelow}${text}${bars(this.#drawn)}`,
    );
  }

  /** Erases the bars so that data can be written to the terminal; the next redraw restores them. */
  clear(): void {
    if (this.#drawn.length === 0) return;
    this.#options.port.write(`${this.#toTop()}${eraseBelow}`);
    this.#drawn = [];
  }

  /** Ends the display. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.clear();
  }

  #redraw(): void {
    const { clock, port, unicode } = this.#options;
    const terminal = port.terminal();
    if (terminal !== undefined) {
      const frame = progressFrame(this.#state.view(clock.now()), { ...terminal, unicode });
      port.write(`${this.#toTop()}${bars(frame)}${eraseBelow}`);
      this.#drawn = frame;
    }
    this.#cancelTimer = clock.after(redrawEvery, () => this.#redraw());
  }

  /** Returns the sequence that moves the cursor to the first bar. */
  #toTop(): string {
    if (this.#drawn.length === 0) return "";
    // A terminal that became narrower has wrapped the lines.
    const columns = Math.max(1, this.#options.port.terminal()?.columns ?? 80);
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    return `\x1b[${rows}A\r`;
  }
}

/** Returns lines with a sequence that erases the rest of each. */
function bars(lines: readonly string[]): string {
  return lines.map((line) => `${line}\x1b[K\n`).join("");
}
