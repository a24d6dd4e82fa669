/**
 * The `gcrane` command line: images in registries, tarballs and OCI layouts.
 *
 * @example
 * ```ts
 * import { main } from "@gcrane/gcrane/cli";
 *
 * const code = await main(["version"]);
 * console.log(code); // 0
 * ```
 *
 * @module
 */
import { commandLineArguments, exit } from "../src/runtime/mod.ts";
import { hostIo } from "./host_io.ts";
import type { Io } from "./io.ts";
import { runProgram } from "./run_program.ts";
import { gcrane } from "./table.ts";

export type { Ask, Clock, Io, MessagePort, OutputPort, Terminal } from "./io.ts";

/**
 * Runs `gcrane` with arguments and returns its exit code: 0 for success, 1 for a failure, 2 for wrong usage, 130 and
 * 143 after an interruption. It never throws.
 */
export async function main(args: readonly string[], io: Io = hostIo()): Promise<number> {
  return await runProgram(gcrane, args, io);
}

if (import.meta.main) exit(await main(commandLineArguments()));
