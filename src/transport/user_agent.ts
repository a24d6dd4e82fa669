/** The version of this package; deno.json and jsr.json name the same one, which a test holds. */
export const VERSION = "0.1.0";

/** The value of the `User-Agent` header: the program's own words, then this package. */
export function userAgent(program?: string): string {
  return program ? `${program} gcrane/${VERSION}` : `gcrane/${VERSION}`;
}
