/** The formats of a server's log. */
export const logFormats = ["text", "json"] as const;

/** A log with the time and the level of each message. */
export interface ServerLog {
  /** Adds what happened as it should. The fields are in the JSON beside the message, which is complete without them. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Adds what went wrong. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * Makes a log: `text` has lines such as `2026-01-31T12:00:00.000Z Warning: …`, `json` an object for each line.
 *
 * @param write writes a line
 */
export function serverLog(format: (typeof logFormats)[number], write: (line: string) => void): ServerLog {
  const log = (level: "info" | "warn"): ServerLog["info"] => (message, fields) => {
    const time = new Date().toISOString();
    if (format === "json") write(JSON.stringify({ time, level, message, ...fields }));
    else write(`${time} ${level === "info" ? "Info" : "Warning"}: ${message}`);
  };
  return { info: log("info"), warn: log("warn") };
}
