/** What other rooms need of this one, and the package does not export. */

export { GlobalsInForce } from "./globals_in_force.ts";
