// Run as a process by the tests of exit codes, pipes and signals.

import { hostIo } from "../../cli/host_io.ts";
import { runProgram } from "../../cli/run_program.ts";
import { commandLineArguments, exit } from "../../src/runtime/mod.ts";
import { trial } from "./trial_program.ts";

exit(await runProgram(trial, commandLineArguments(), hostIo()));
