import { assert } from "@std/assert";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { programWords } from "../make/processes.ts";

const MEBIBYTE = 1 << 20;
/** Half of the layer; in most runs it is a tenth of that. */
const BOUND = 150 * MEBIBYTE;

describe("memory does not grow with a layer of 300 MiB", () => {
  for (const way of ["pushed", "pushed with its length", "pulled", "copied"]) {
    // In a process of its own, since what earlier tests left behind decides when a collector runs.
    it(`that is ${way}`, { timeout: 60_000 }, async () => {
      const [command, ...words] = programWords("test/remote/programs/memory.ts");
      const { stdout } = await promisify(execFile)(command, [...words, way]);
      const grown = Number(stdout);
      assert(grown > 0 && grown < BOUND, `it grew by ${Math.round(grown / MEBIBYTE)} MiB`);
    });
  }
});
