import { spawn } from "node:child_process";
import { peakOf } from "../make/memory.ts";

/** What one run of a program took. */
export interface Run {
  /** Seconds from start to end. */
  readonly seconds: number;
  /** The most memory that the process held at a time, in MB; 0 where /proc does not tell. */
  readonly peakMb: number;
}

/** Runs a program to its end and discards its output. @throws {Error} with its standard error if it fails */
export async function run(command: readonly string[]): Promise<Run> {
  const [program, ...words] = command;
  const started = performance.now();
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaint = (complaint + text).slice(-2000));
  let peakMb = 0;
  // The kernel keeps the peak, so a look now and then misses only what comes after the last one.
  const watch = setInterval(() => peakMb = peakOf(child.pid) ?? peakMb, 10);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  }).finally(() => clearInterval(watch));
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${complaint}`);
  return { seconds, peakMb };
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
