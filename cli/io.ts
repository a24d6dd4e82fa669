import type { Bytes, ByteStream } from "../src/runtime/mod.ts";

/** The size of the terminal behind an output. */
export interface Terminal {
  /** The width in characters. */
  readonly columns: number;
  /** The height in lines. */
  readonly rows: number;
}

/** An output for bytes, with one write after the other. */
export interface OutputPort {
  /** Writes all of the bytes. */
  write(bytes: Bytes): Promise<void>;
  /**
   * Returns the terminal behind the output, or `undefined` if there is none. Call it each time, as the size can change.
   */
  terminal(): Terminal | undefined;
}

/** An output for messages, which are short and written synchronously so that none is lost at the end. */
export interface MessagePort {
  /** Writes all of the text. */
  write(text: string): void;
  /**
   * Returns the terminal behind the output, or `undefined` if there is none. Call it each time, as the size can change.
   */
  terminal(): Terminal | undefined;
}

/** A clock, which tests can replace. */
export interface Clock {
  /** Returns milliseconds since any fixed moment. */
  now(): number;
  /** Calls a function later and returns a function that cancels the call. */
  after(milliseconds: number, run: () => void): () => void;
}

/** Asks the user at the terminal for a line; with `secret` the input is hidden. */
export type Ask = (question: string, options: { secret?: boolean; signal: AbortSignal }) => Promise<string>;

/** The access of the command line to the process. */
export interface Io {
  /** Standard output. */
  readonly stdout: OutputPort;
  /** Standard error. */
  readonly stderr: MessagePort;
  /** Opens standard input. */
  stdin(): ByteStream;
  /** Returns the function that asks at the terminal, or `undefined` if standard input is not a terminal. */
  ask(): Ask | undefined;
  /** Reads an environment variable. */
  environment(name: string): string | undefined;
  /**
   * Returns the names that the program was started by, of which `crane` chooses crane's habits.
   *
   * @default none
   */
  programNames?(): readonly string[];
  /** Calls the handler on SIGINT and SIGTERM. Returns a function that removes the handler. */
  onInterrupt(handler: (signal: "SIGINT" | "SIGTERM") => void): () => void;
  /** Calls the handler on SIGHUP. Returns a function that removes the handler. */
  onHangUp(handler: () => void): () => void;
  /** Returns whether the program was started so that SIGHUP does not end it. */
  isHangUpIgnored(): boolean;
  /** Calls the handler with unhandled errors and rejections. Returns a function that removes the handler. */
  onUnhandledError(handler: (error: unknown) => void): () => void;
  /** Removes the temporary files of interrupted work. */
  removeTemporaries(): void;
  /** Ends the program immediately. */
  exit(code: number): void;
  /** The clock. */
  readonly clock: Clock;
  /** Replaces the runtime's `fetch`. */
  readonly fetch?: typeof fetch;
}
