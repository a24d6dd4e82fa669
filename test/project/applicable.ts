/** Gives a reason to skip a test that is about Deno's tools and so says nothing about another runtime. */
export function denoOnly(): string | false {
  return "Deno" in globalThis ? false : "not applicable: needs Deno";
}
