import type { Program } from "../../cli/command.ts";
import { runProgram } from "../../cli/run_program.ts";
import { FakeIo, type FakeIoOptions } from "../fakes/fake_io.ts";
import { trial } from "./trial_program.ts";

/** What a line did. */
export interface LineResult {
  code: number;
  out: string;
  err: string;
  io: FakeIo;
}

export interface RunLineOptions extends FakeIoOptions {
  program?: Program;
  /** Called once the command has printed `ready` to standard error. */
  whenReady?: (io: FakeIo) => void;
}

/** Runs a line of the trial program, or of another, in memory. Words are split at spaces unless given one by one. */
export async function runLine(line: string | readonly string[], options: RunLineOptions = {}): Promise<LineResult> {
  const onMessage = (text: string) => {
    options.onMessage?.(text);
    if (text === "ready\n") options.whenReady?.(io);
  };
  const io: FakeIo = new FakeIo({ ...options, onMessage });
  const words = typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
  const code = await runProgram(options.program ?? trial, words, io);
  return { code, out: io.out, err: io.err, io };
}
