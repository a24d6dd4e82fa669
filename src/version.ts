/** The version of this package: the one place in the code; a test holds `deno.json` and the other manifests to it. */
export const VERSION = "0.1.0";
