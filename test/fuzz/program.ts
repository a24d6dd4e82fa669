// Runs the fuzzers on the runtime that runs this file; `deno task fuzz` starts it.
//
//   program.ts --seed 1 --minutes 5 --only tar

import process from "node:process";
import { parseArgs } from "node:util";
import { describeCase, fuzz, type Fuzzer } from "./fuzzing.ts";
import { registryFuzzer, type RegistryFuzzerOptions } from "./registry_fuzzer.ts";
import { tarFuzzer } from "./tar_fuzzer.ts";

const FUZZERS: Readonly<Record<string, (options: RegistryFuzzerOptions) => Promise<Fuzzer>>> = {
  tar: tarFuzzer,
  registry: registryFuzzer,
};

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "1" },
    cases: { type: "string" },
    only: { type: "string" },
    binary: { type: "string" },
    temporary: { type: "string" },
  },
});
const names = Object.keys(FUZZERS).filter((name) => values.only === undefined || values.only === name);
if (names.length === 0) throw new Error(`there is no fuzzer ${values.only}: ${Object.keys(FUZZERS).join(", ")}`);
const seed = Number(values.seed);
const most = values.cases === undefined ? Infinity : Number(values.cases);

/** Bun has no limit of its heap to be given, and lets garbage lie while there is memory. */
const bun = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun;

for (const name of names) {
  const started = performance.now();
  const end = started + Number(values.minutes) * 60_000 / names.length;
  const peak = () => Math.round(process.memoryUsage().rss / 1e6);
  let highest = 0;
  let reported = started;
  let failures = 0;
  const result = await fuzz(await FUZZERS[name]({ binary: values.binary, temporary: values.temporary }), {
    seed,
    more: (count) => count < most && performance.now() < end && failures < 20,
    onFailure: (failed) => {
      failures++;
      console.log(`${name}: FAILED ${describeCase(failed)}`);
    },
    onCase: (ended) => {
      if (ended % 20 === 0) bun?.gc(true);
      highest = Math.max(highest, peak());
      if (performance.now() - reported < 30_000) return;
      reported = performance.now();
      console.log(`${name}: ${ended} cases, up to case ${seed + ended - 1}, ${highest} MB`);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  const outcomes = [...result.outcomes].sort(([, a], [, b]) => b - a).map(([what, count]) => `${what} ${count}`);
  console.log(
    `${name}: cases ${seed} to ${seed + result.cases - 1} in ${seconds.toFixed(0)} s ` +
      `(${(result.cases / seconds).toFixed(1)} a second), ${highest} MB at most; ${outcomes.join(", ")}`,
  );
  if (highest > 300) console.log(`${name}: FAILED ${highest} MB of memory are more than 300`);
  if (result.failures.length > 0 || highest > 300) process.exitCode = 1;
}
