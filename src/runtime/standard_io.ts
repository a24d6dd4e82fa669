import { type Bytes, type ByteStream, toPlainBytes } from "./bytes.ts";
import { denoHost, nodeModule, nodeProcess, notSupported, requireNodeModule, runtimeName } from "./host.ts";
import { pullStream } from "./pull_stream.ts";

/** A standard stream of the program. */
export type StandardStream = "stdin" | "stdout" | "stderr";

const descriptors = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** The wait in milliseconds when a non-blocking pipe is full or empty. */
const RETRY_DELAY = 2;

/** The most bytes to read from standard input at once. */
const CHUNK_SIZE = 256 * 1024;

/** What ends a wait of a read of node's standard input. */
const STDIN_EVENTS = ["readable", "end", "error", "close"];

/** The last pending write: writes that are not awaited must not mix their bytes. */
let last: Promise<void> | undefined;

/**
 * Writes all bytes, or a string as UTF-8, to standard output and waits until the system has accepted them. Fails with
 * the code `EPIPE` if the reader has closed its end.
 */
export function writeStdout(data: Uint8Array | string): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const write = last === undefined ? writeAll(bytes) : last.then(() => writeAll(bytes));
  const tail = last = write.catch(() => {});
  void tail.then(() => {
    if (last === tail) last = undefined;
  });
  return write;
}

/** Writes to standard error synchronously, for a last message before the program ends. Ignores failures. */
export function writeStderrSync(text: string): void {
  const bytes = new TextEncoder().encode(text);
  const deno = denoHost();
  try {
    for (let start = 0; start < bytes.byteLength;) {
      start += deno === undefined
        ? requireNodeModule("node:fs", "Standard error").writeSync(2, bytes, start)
        : deno.stderr.writeSync(bytes.subarray(start));
    }
  } catch {
    // Standard error is closed, and no other stream can report that.
  }
}

/** Returns standard input as a stream. Cancelling it leaves standard input open. */
export function stdinStream(): ByteStream {
  if (runtimeName() === "node") return pullStream({ read: readNodeStdin });
  return pullStream({
    async read() {
      const chunk = new Uint8Array(CHUNK_SIZE);
      const count = await retry(() => readStdin(chunk));
      return count === 0 ? undefined : chunk.subarray(0, count);
    },
  });
}

/** Returns whether the stream is a terminal. */
export function isTerminal(stream: StandardStream): boolean {
  const deno = denoHost();
  if (deno !== undefined) return deno[stream].isTerminal();
  // node:tty takes 11 ms on Bun, and only a character device can be a terminal.
  if (!mayBeTerminal(descriptors[stream])) return false;
  return nodeModule("node:tty")?.isatty(descriptors[stream]) ?? false;
}

function mayBeTerminal(descriptor: number): boolean {
  try {
    return nodeModule("node:fs")?.fstatSync(descriptor).isCharacterDevice() ?? false;
  } catch {
    // Windows has no such facts of some consoles.
    return true;
  }
}

/** The size of a terminal in characters. */
export interface TerminalSize {
  /** The number of columns. */
  readonly columns: number;
  /** The number of rows. */
  readonly rows: number;
}

/** Returns the size of the terminal, or `undefined` if there is none. The size can change at any time. */
export function terminalSize(): TerminalSize | undefined {
  const size = reportedSize();
  // Some terminals of CI and of "script" report a size of 0.
  return size !== undefined && size.columns > 0 && size.rows > 0 ? size : undefined;
}

function reportedSize(): TerminalSize | undefined {
  const deno = denoHost();
  if (deno === undefined) {
    // Avoids node's object for a stream that is a pipe, as accessing it makes the pipe non-blocking.
    const stream = isTerminal("stderr") ? "stderr" : isTerminal("stdout") ? "stdout" : undefined;
    const { columns, rows } = stream === undefined ? {} : nodeProcess()?.[stream] ?? {};
    return columns === undefined || rows === undefined ? undefined : { columns, rows };
  }
  try {
    return deno.consoleSize();
  } catch {
    return undefined;
  }
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  const deno = denoHost();
  try {
    for (let start = 0; start < bytes.byteLength;) {
      start += await retry(() =>
        deno === undefined
          ? writeDescriptor(descriptors.stdout, bytes, start)
          : deno.stdout.write(bytes.subarray(start))
      );
    }
  } catch (error) {
    // The pipes that node creates for its children are sockets, which report a closed reader with this code.
    if ((error as { code?: unknown }).code !== "ECONNRESET") throw error;
    throw Object.assign(new Error("EPIPE: broken pipe, write", { cause: error }), { code: "EPIPE" });
  }
}

function writeDescriptor(descriptor: number, bytes: Uint8Array, start: number): Promise<number> {
  const fs = requireNodeModule("node:fs", "Standard output");
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, start, bytes.byteLength - start, null, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

async function readStdin(into: Bytes): Promise<number> {
  const deno = denoHost();
  if (deno !== undefined) return await deno.stdin.read(into) ?? 0;
  const fs = nodeModule("node:fs");
  if (fs === undefined) throw notSupported("Standard input");
  return await new Promise<number>((resolve, reject) => {
    fs.read(descriptors.stdin, into, 0, into.byteLength, null, (error, count) => {
      // Windows reports the end of a pipe as an error.
      if (error && error.code !== "EOF") reject(error);
      else resolve(error ? 0 : count);
    });
  });
}

/**
 * Reads from node's stream. A read of the descriptor would keep Node.js from its exit until the other side of the pipe
 * or the terminal writes. The stream keeps the program alive only while a read waits.
 */
async function readNodeStdin(): Promise<Bytes | undefined> {
  const { stdin } = nodeProcess()!;
  // An error may also come between two reads. The next one throws it.
  if (stdin.listenerCount("error") === 0) stdin.on("error", () => {});
  for (;;) {
    const chunk: Bytes | null = stdin.read();
    if (chunk !== null) return toPlainBytes(chunk);
    if (stdin.errored) throw stdin.errored;
    if (stdin.readableEnded || stdin.destroyed) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const event of STDIN_EVENTS) stdin.on(event, resolve);
    stdin.ref?.(); // a file has none
    await promise;
    for (const event of STDIN_EVENTS) stdin.off(event, resolve);
    stdin.unref?.();
  }
}

/** Repeats an attempt while it fails with `EAGAIN`, as the parent process may have made the pipe non-blocking. */
async function retry(attempt: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const { code, name } = error as { code?: unknown; name?: unknown };
      if (code !== "EAGAIN" && name !== "WouldBlock") throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
    }
  }
}
