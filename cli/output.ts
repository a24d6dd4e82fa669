import type { Bytes, ByteStream } from "../src/runtime/mod.ts";
import type { OutputPort } from "./io.ts";

/** The most characters that are buffered for a slow reader. */
const longestPending = 64 * 1024;

const NEWLINE = 10;

/** Options of {@linkcode StandardOutput}. */
export interface StandardOutputOptions {
  /** Called once with the error when a write fails; nothing more can be written then. */
  onFailure: (error: unknown) => void;
  /** Called before each write, to clear other output off the terminal. */
  beforeWrite?: () => void;
}

/**
 * Standard output for data. A line is written immediately, and lines that arrive during a write are written together
 * after it: no line waits for later work, and a long list takes few writes.
 */
export class StandardOutput {
  readonly #port: OutputPort;
  readonly #options: StandardOutputOptions;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #writing: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;
  /** The last byte that was written. */
  #last: number | undefined;

  /** Creates the output on a port. */
  constructor(port: OutputPort, options: StandardOutputOptions) {
    this.#port = port;
    this.#options = options;
  }

  /** Whether the reader has closed its end, as `head` does. */
  get closed(): boolean {
    return this.#failure !== undefined && isClosedPipe(this.#failure.error);
  }

  /** The error of the first failed write, if any. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** Whether the output is a terminal. */
  get isTerminal(): boolean {
    return this.#port.terminal() !== undefined;
  }

  /** Writes a line and adds the newline. */
  async print(line: string): Promise<void> {
    this.#throwFailure();
    this.#pending += `${line}\n`;
    this.#writing ??= this.#writePending();
    if (this.#pending.length >= longestPending) await this.flush();
  }

  /** Writes bytes, or text without a newline. */
  async write(data: Bytes | string): Promise<void> {
    await this.flush();
    await this.#write(typeof data === "string" ? this.#encoder.encode(data) : data);
    this.#throwFailure();
  }

  /** Writes a stream to its end; cancels it if writing fails or the signal aborts. */
  async pipe(stream: ByteStream, options: { signal?: AbortSignal } = {}): Promise<void> {
    const sink = new WritableStream<Bytes>({ write: (chunk) => this.write(chunk) });
    await stream.pipeTo(sink, options);
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
  }

  /** Ends the last line on a terminal, where the shell's prompt follows; any other reader gets the exact bytes. */
  async endLine(): Promise<void> {
    await this.flush();
    if (this.#last !== undefined && this.#last !== NEWLINE && this.isTerminal) await this.write("\n");
  }

  async #writePending(): Promise<void> {
    while (this.#pending !== "") {
      const text = this.#pending;
      this.#pending = "";
      await this.#write(this.#encoder.encode(text));
    }
    this.#writing = undefined;
  }

  async #write(bytes: Bytes): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      this.#options.beforeWrite?.();
      await this.#port.write(bytes);
      this.#last = bytes.at(-1) ?? this.#last;
    } catch (error) {
      this.#failure = { error };
      this.#options.onFailure(error);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Returns whether an error means that the other end of a pipe is closed. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && ((error as { code?: unknown }).code === "EPIPE" || error.name === "BrokenPipe");
}
