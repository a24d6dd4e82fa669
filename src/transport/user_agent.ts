import { VERSION } from "../version.ts";

export { VERSION };

/** The value of the `User-Agent` header: the program's own words, then this package. */
export function userAgent(program?: string): string {
  return program ? `${program} gcrane/${VERSION}` : `gcrane/${VERSION}`;
}
