/**
 * Returns a reason to skip a test, except on Deno: one that takes long and in which the runtime of the suite makes no
 * difference, as other programs do the work, or a judgement that reads and writes nothing outside of the program.
 */
export function once(): string | false {
  return "Deno" in globalThis ? false : "not applicable: runs once, on Deno";
}

/** Returns a reason to skip a test that concerns only Deno's tools. */
export function denoOnly(): string | false {
  return "Deno" in globalThis ? false : "not applicable: needs Deno";
}
