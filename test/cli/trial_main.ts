// Run as a process by the tests of exit codes, pipes and signals.

import { hostIo } from "../../cli/host_io.ts";
import { runProgram } from "../../cli/run_program.ts";
import { commandLineArguments, exit } from "../../src/runtime/mod.ts";
import { trial } from "../make/trial_program.ts";

// A real command that hangs does so on something that keeps the process alive.
setInterval(() => {}, 1000);

exit(await runProgram(trial, commandLineArguments(), hostIo()));
