import { VERSION } from "../version.ts";

/** Returns the value of the `User-Agent` header: the program's own text, then this package. */
export function userAgent(program?: string): string {
  return program ? `${program} gcrane/${VERSION}` : `gcrane/${VERSION}`;
}
