import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { peakOf } from "../make/memory.ts";

/** The measurements of one run of a program. */
export interface Run {
  /** Seconds from start to end. */
  readonly seconds: number;
  /** Seconds of processors, those of its own children included. */
  readonly cpu: number;
  /** The most memory that the process held at a time, in MB; 0 where /proc has no such number. */
  readonly peakMb: number;
}

/**
 * Runs a program as bash's child, which reports its time of processors with three decimals, the last line. Both
 * variables change how long the first https request takes, and few machines have them.
 */
const TIMED = "unset SSL_CERT_FILE SSL_CERT_DIR; TIMEFORMAT=$'\\n%3U %3S'; time \"$@\"";

/** Runs a program to its end and discards its output. @throws {Error} with its standard error if it fails */
export async function run(command: readonly string[]): Promise<Run> {
  const started = performance.now();
  const child = spawn("bash", ["-c", TIMED, "bash", ...command], { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaint = (complaint + text).slice(-2000));
  let peakMb = 0;
  // The kernel keeps the peak, so a look now and then misses only what comes after the last one.
  const watch = setInterval(() => peakMb = peakOf(childOf(child.pid)) ?? peakMb, 10);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  }).finally(() => clearInterval(watch));
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${complaint}`);
  const [user, system] = complaint.trimEnd().split("\n").at(-1)!.split(" ").map(Number);
  return { seconds, cpu: user + system, peakMb };
}

/** Returns the child of a process, if it has one. */
function childOf(pid: number | undefined): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]) || undefined;
  } catch {
    return undefined;
  }
}

/** Returns a quartile of numbers: the first, the median (2) or the third. */
export function quartile(values: readonly number[], which: 1 | 2 | 3): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * which / 4;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** Returns the middle of numbers. */
export function median(values: readonly number[]): number {
  return quartile(values, 2);
}
