import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { describeCase, fuzz, type Fuzzer } from "./fuzzing.ts";
import { registryFuzzer } from "./registry_fuzzer.ts";
import { tarFuzzer } from "./tar_fuzzer.ts";

/** Runs some cases; more of them run by `deno task fuzz`. */
async function cases(fuzzer: Fuzzer, seed: number, count: number): Promise<void> {
  const { failures } = await fuzz(fuzzer, { seed, more: (started) => started < count });
  assertEquals(failures.map(describeCase), []);
}

describe("mutated", () => {
  it("archives are refused, or read and written as GNU tar reads them", { timeout: 120_000 }, async () => {
    await cases(await tarFuzzer(), 1, 400);
  });

  it("answers of a registry end in success or in an error with a code", { timeout: 120_000 }, async () => {
    await cases(await registryFuzzer(), 1, 60);
  });
});

describe("a fuzzer", () => {
  it("gives the same case for the same number", async () => {
    const traces: string[][] = [];
    const noting: Fuzzer = {
      concurrency: 2,
      limit: 1000,
      run: (random, trace) => {
        trace(String(random.integer(0, 1e9)));
        return Promise.reject(new Error("always"));
      },
      close: () => Promise.resolve(),
    };
    for (let i = 0; i < 2; i++) {
      const { failures } = await fuzz(noting, { seed: 7, more: (started) => started < 5 });
      traces.push(failures.map(({ seed, trace }) => `${seed} ${trace}`));
    }
    assertEquals(traces[0], traces[1]);
    assertEquals(new Set(traces[0]).size, 5);
  });

  it("counts a case without an end as a failure", async () => {
    const never: Fuzzer = {
      concurrency: 1,
      limit: 20,
      run: () => new Promise(() => {}),
      close: () => Promise.resolve(),
    };
    const { failures } = await fuzz(never, { seed: 1, more: (started) => started < 1 });
    assertEquals(failures.map(({ error }) => (error as Error).message), ["waited in vain for the end of the case"]);
  });
});
