import type { Ask, Io } from "../../cli/io.ts";
import { streamOf } from "../../src/io/mod.ts";
import { removeTemporaries } from "../../src/runtime/mod.ts";

/** Time that stands still until a test moves it. */
export class FakeClock {
  #now = 0;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Moves time on, and runs what is due on the way, the earliest first. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

export interface FakeIoOptions {
  environment?: Record<string, string>;
  /** The names that the program was started by. */
  names?: readonly string[];
  stdin?: string | Uint8Array<ArrayBuffer>;
  /** Used instead of the network. */
  fetch?: typeof fetch;
  /** The user's input, one line for each question; without it standard input is not a terminal. */
  answers?: string[];
  /** The terminal that standard output and standard error are. */
  terminal?: { columns: number; rows: number };
  /** Whether temporary files stay at the end of a line, since other lines run at the same time. */
  keepsTemporaries?: boolean;
  /** Whether the program was started so that SIGHUP does not end it. */
  ignoresHangUp?: boolean;
  /** Called with what is written to standard output, to fail for example. */
  onWrite?: (text: string) => void | Promise<void>;
  /** Called after something was written to standard error. */
  onMessage?: (text: string) => void;
}

/** A world in memory that keeps what is written to it. */
export class FakeIo implements Io {
  readonly clock = new FakeClock();
  /** What was written to standard output. */
  out = "";
  readonly #outParts: Uint8Array<ArrayBuffer>[] = [];
  /** The parts in which it was written. */
  readonly writes: string[] = [];
  /** What was written to standard error. */
  err = "";
  /** The codes that the program ended with at once. */
  readonly exits: number[] = [];
  /** What was asked on the terminal. */
  readonly asked: { question: string; secret: boolean }[] = [];
  /** How often temporary files were removed. */
  removals = 0;
  #options: FakeIoOptions;
  readonly #interrupts = new Set<(signal: "SIGINT" | "SIGTERM") => void>();
  readonly #hangUps = new Set<() => void>();
  readonly #unhandled = new Set<(error: unknown) => void>();
  readonly #decoder = new TextDecoder();

  constructor(options: FakeIoOptions = {}) {
    this.#options = options;
  }

  readonly stdout = {
    write: async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
      const text = this.#decoder.decode(bytes, { stream: true });
      await Promise.resolve();
      await this.#options.onWrite?.(text);
      this.out += text;
      this.writes.push(text);
      this.#outParts.push(bytes.slice());
    },
    terminal: () => this.#options.terminal,
  };

  readonly stderr = {
    write: (text: string): void => {
      this.err += text;
      this.#options.onMessage?.(text);
    },
    terminal: () => this.#options.terminal,
  };

  stdin = () => {
    const { stdin = "" } = this.#options;
    // What was read once is gone.
    this.#options = { ...this.#options, stdin: "" };
    return streamOf(typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin);
  };
  ask = (): Ask | undefined => {
    const { answers } = this.#options;
    return answers && ((question, { secret = false }) => {
      this.asked.push({ question, secret });
      return Promise.resolve(answers.shift() ?? "");
    });
  };
  programNames = (): readonly string[] => this.#options.names ?? [];
  environment = (name: string): string | undefined => this.#options.environment?.[name];
  onInterrupt = (handler: (signal: "SIGINT" | "SIGTERM") => void) => listen(this.#interrupts, handler);
  isHangUpIgnored = (): boolean => this.#options.ignoresHangUp ?? false;
  onHangUp = (handler: () => void) => listen(this.#hangUps, handler);
  onUnhandledError = (handler: (error: unknown) => void) => listen(this.#unhandled, handler);
  removeTemporaries = (): void => {
    this.removals++;
    if (!this.#options.keepsTemporaries) removeTemporaries();
  };
  exit = (code: number): void => void this.exits.push(code);

  get fetch(): typeof fetch | undefined {
    return this.#options.fetch;
  }

  /** What was written to standard output, as bytes. */
  get outBytes(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#outParts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of this.#outParts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** How many listeners are there still. */
  get listeners(): number {
    return this.#interrupts.size + this.#hangUps.size + this.#unhandled.size;
  }

  /** Sends a signal. */
  interrupt(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    if (signal === "SIGHUP") return this.hangUp();
    for (const handler of this.#interrupts) handler(signal);
  }

  /** Sends SIGHUP. */
  hangUp(): void {
    for (const handler of this.#hangUps) handler();
  }

  /** Reports an unhandled rejection. */
  unhandled(error: unknown): void {
    for (const handler of this.#unhandled) handler(error);
  }
}

function listen<Handler>(handlers: Set<Handler>, handler: Handler): () => void {
  handlers.add(handler);
  return () => void handlers.delete(handler);
}
