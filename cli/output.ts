import type { Bytes, ByteStream } from "../src/runtime/mod.ts";
import type { OutputPort } from "./io.ts";

/** How many characters may wait while the reader is slow. */
const longestPending = 64 * 1024;

/** What {@linkcode StandardOutput} takes besides its port. */
export interface StandardOutputOptions {
  /** Called once when a write fails, with the error: nothing more can be written. */
  onFailure: (error: unknown) => void;
  /** Called before each write, to clear the terminal of what is not data. */
  beforeWrite?: () => void;
}

/**
 * Standard output for data. A line goes out at once, and the lines that come while one is being written go out together
 * after it: no line waits for the work that follows it, and a long list takes few writes.
 */
export class StandardOutput {
  readonly #port: OutputPort;
  readonly #options: StandardOutputOptions;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #writing: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  /** Makes the output over a port. */
  constructor(port: OutputPort, options: StandardOutputOptions) {
    this.#port = port;
    this.#options = options;
  }

  /** Whether the reader has gone away, as `head` does when it has what it wants. */
  get closed(): boolean {
    return this.#failure !== undefined && isClosedPipe(this.#failure.error);
  }

  /** Why nothing more can be written; `undefined` as long as all went well. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** Whether people look at it. */
  get isTerminal(): boolean {
    return this.#port.terminal() !== undefined;
  }

  /** Writes a line; the newline is added. */
  async print(line: string): Promise<void> {
    this.#throwFailure();
    this.#pending += `${line}\n`;
    this.#writing ??= this.#writePending();
    if (this.#pending.length >= longestPending) await this.flush();
  }

  /** Writes bytes, or text as it is. */
  async write(data: Bytes | string): Promise<void> {
    await this.flush();
    await this.#write(typeof data === "string" ? this.#encoder.encode(data) : data);
    this.#throwFailure();
  }

  /** Writes a stream to its end; it is cancelled when writing fails or the signal aborts. */
  async pipe(stream: ByteStream, options: { signal?: AbortSignal } = {}): Promise<void> {
    const sink = new WritableStream<Bytes>({ write: (chunk) => this.write(chunk) });
    await stream.pipeTo(sink, options);
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
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
    } catch (error) {
      this.#failure = { error };
      this.#options.onFailure(error);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Returns whether an error says that the other end of a pipe is closed. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && ((error as { code?: unknown }).code === "EPIPE" || error.name === "BrokenPipe");
}
