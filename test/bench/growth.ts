/**
 * Shows how time, peak memory and calls grow with the size of the work: the slope between the logarithms, 1 for linear
 * growth and 0 for none. Each measurement has a process of its own.
 *
 *     deno task bench:growth [--only NAME] [--quick]
 */
import { execFileSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { peakOf } from "../make/memory.ts";
import { commandRows } from "./growth_commands.ts";
import { storeGarbageRow } from "./growth_store_garbage.ts";

/** Work of which the growth is measured. */
export interface GrowthRow {
  /** Its name. */
  readonly name: string;
  /** The sizes, growing; the quick run has all but the last. */
  readonly sizes: readonly number[];
  /** Makes what the work of a size needs. Returns the work, which returns the number of its calls, or 0. */
  prepare(size: number): () => Promise<number>;
}

interface Measurement {
  readonly size: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly peakMb: number;
  readonly calls: number;
}

const rows: readonly GrowthRow[] = [...commandRows, storeGarbageRow];

const { values: flags } = parseArgs({
  options: { only: { type: "string" }, quick: { type: "boolean" }, measure: { type: "string" } },
});

/** Returns the slope of the line through the logarithms of sizes and values, by least squares. */
export function exponent(points: readonly (readonly [size: number, value: number])[]): number {
  const logs = points.map(([size, value]) => [Math.log(size), Math.log(Math.max(value, 1e-9))]);
  const mean = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return covariance / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

async function measure(row: GrowthRow, size: number): Promise<Measurement> {
  const work = row.prepare(size);
  const started = performance.now();
  const before = process.cpuUsage();
  const calls = await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - started) / 1000;
  return { size, seconds, cpu: (user + system) / 1e6, peakMb: peakOf(process.pid) ?? 0, calls };
}

function measureApart(row: GrowthRow, size: number): Measurement {
  const words = ["run", "-A", "--no-check", fileURLToPath(import.meta.url), "--measure", `${row.name}=${size}`];
  return JSON.parse(execFileSync("deno", words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
}

function print(row: GrowthRow): void {
  console.log(
    `${row.name}\n${"size".padStart(14)}${"s".padStart(10)}${"CPU s".padStart(10)}${"MB".padStart(8)}  calls`,
  );
  const found: Measurement[] = [];
  for (const size of flags.quick ? row.sizes.slice(0, -1) : row.sizes) {
    const one = measureApart(row, size);
    found.push(one);
    const cells = [size.toLocaleString("en").padStart(14), one.seconds.toFixed(1).padStart(10)];
    cells.push(
      one.cpu.toFixed(1).padStart(10),
      one.peakMb.toFixed(0).padStart(8),
      `  ${one.calls.toLocaleString("en")}`,
    );
    console.log(cells.join(""));
  }
  const slope = (value: (one: Measurement) => number) =>
    exponent(found.map((one) => [one.size, value(one)])).toFixed(2);
  const parts = [`time ${slope(({ seconds }) => seconds)}`, `CPU ${slope(({ cpu }) => cpu)}`];
  parts.push(`memory ${slope(({ peakMb }) => peakMb)}`);
  if (found.some(({ calls }) => calls > 0)) parts.push(`calls ${slope(({ calls }) => calls)}`);
  console.log(`exponents: ${parts.join(", ")}\n`);
}

if (flags.measure !== undefined) {
  const [name, size] = flags.measure.split("=");
  console.log(JSON.stringify(await measure(rows.find((row) => row.name === name)!, Number(size))));
} else {
  for (const row of rows) if (flags.only === undefined || row.name.startsWith(flags.only)) print(row);
}
