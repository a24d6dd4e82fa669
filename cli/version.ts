/** The version of gcrane: the one place, held to `deno.json`, `jsr.json` and `package.json` by a test. */
export const version = "0.1.0";
