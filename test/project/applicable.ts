/** Returns a reason to skip a test that concerns only Deno's tools. */
export function denoOnly(): string | false {
  return "Deno" in globalThis ? false : "not applicable: needs Deno";
}
