import type { Bytes, ByteStream } from "../src/runtime/mod.ts";

/** What is known of the terminal behind an output. */
export interface Terminal {
  /** Its width in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
}

/** Where bytes go, one write after the other. */
export interface OutputPort {
  /** Writes all of the bytes. */
  write(bytes: Bytes): Promise<void>;
  /** Returns the terminal behind it, asked for anew each time since it can be resized; `undefined` where it is none. */
  terminal(): Terminal | undefined;
}

/** Where text for people goes; it is short, and written at once so that none is lost at the end. */
export interface MessagePort {
  /** Writes all of the text. */
  write(text: string): void;
  /** Returns the terminal behind it, asked for anew each time since it can be resized; `undefined` where it is none. */
  terminal(): Terminal | undefined;
}

/** Time, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Runs a function later; gives the function that calls it off. */
  after(milliseconds: number, run: () => void): () => void;
}

/** Asks whoever sits at the terminal for a line; with `secret` it stays invisible. */
export type Ask = (question: string, options: { secret?: boolean; signal: AbortSignal }) => Promise<string>;

/** The world around the command line. */
export interface Io {
  /** Standard output. */
  readonly stdout: OutputPort;
  /** Standard error. */
  readonly stderr: MessagePort;
  /** Opens standard input. */
  stdin(): ByteStream;
  /** Gives what asks on the terminal; `undefined` where standard input is none. */
  ask(): Ask | undefined;
  /** Reads an environment variable. */
  environment(name: string): string | undefined;
  /** Calls the handler on SIGINT and SIGTERM; gives the function that undoes it. */
  onInterrupt(handler: (signal: "SIGINT" | "SIGTERM") => void): () => void;
  /** Calls the handler with errors that nobody waits for; gives the function that undoes it. */
  onUnhandledError(handler: (error: unknown) => void): () => void;
  /** Removes the files of work that was in flight. */
  removeTemporaries(): void;
  /** Ends the program at once. */
  exit(code: number): void;
  /** Time. */
  readonly clock: Clock;
  /** Used instead of the runtime's `fetch`. */
  readonly fetch?: typeof fetch;
}
