/** The version of this package. A test keeps `deno.json` and the other manifests in step with it. */
export const VERSION = "0.1.0";
