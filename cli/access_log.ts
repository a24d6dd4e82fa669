import { fileFailure } from "../src/io/mod.ts";
import type { RequestRecord } from "../src/registry/mod.ts";
import { openWriter } from "../src/runtime/mod.ts";
import { summary } from "./failure.ts";

/** A log of requests with one line of JSON for each. */
export interface AccessLog {
  /** Adds a line. */
  write(record: RequestRecord): void;
  /** Writes the pending lines. */
  close(): Promise<void>;
}

/** Opens the log: `-` is standard error, anything else a file to append to. */
export async function openAccessLog(
  target: string,
  { note, warn }: { note: (line: string) => void; warn: (message: string) => void },
): Promise<AccessLog> {
  if (target === "-") return { write: (record) => note(logLine(record)), close: () => Promise.resolve() };
  const failed = (error: unknown) => fileFailure(`can't write the access log ${target}`, error);
  const writer = await openWriter(target, { append: true, mode: 0o640 }).catch((error) => {
    throw failed(error);
  });
  let waiting = "";
  let writing: Promise<void> | undefined;
  const writeAll = async () => {
    while (waiting !== "") {
      const bytes = new TextEncoder().encode(waiting);
      waiting = "";
      await writer.write(bytes).catch((error) => warn(summary(failed(error))));
    }
    writing = undefined;
  };
  return {
    write(record) {
      waiting += `${logLine(record)}\n`;
      writing ??= writeAll();
    },
    async close() {
      await writing;
      await writer.close();
    },
  };
}

/** Formats a record as a line. */
function logLine({ time, ...rest }: RequestRecord): string {
  return JSON.stringify({ time: new Date(time).toISOString(), ...rest });
}
