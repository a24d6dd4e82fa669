/**
 * Returns a reason to skip a test, except on Deno: one that takes long, and in which other programs do the work, so that
 * the runtime of the suite makes no difference.
 */
export function once(): string | false {
  return "Deno" in globalThis ? false : "not applicable: runs once, on Deno";
}

/** Returns a reason to skip a test that concerns only Deno's tools. */
export function denoOnly(): string | false {
  return "Deno" in globalThis ? false : "not applicable: needs Deno";
}
