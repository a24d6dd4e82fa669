/**
 * Returns the URL of a module for Node.js to import first in a checkout. Its hook resolves the names of `@std`. So what
 * runs with it shows that the sources run on Node.js, and not that a package of them would.
 */
export function standardModules(): string {
  return new URL("standard_modules_hook.ts", import.meta.url).href;
}
