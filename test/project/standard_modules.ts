import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readJson, top } from "./tree.ts";

/**
 * Returns a module for Node.js to import first in a checkout. Its hook resolves the names of `@std` as tsconfig.json does
 * for Bun. So what runs with it shows that the sources run on Node.js, and not that a package of them would.
 */
export function standardModules(): string {
  const { paths } = readJson("tsconfig.json").compilerOptions as { paths: Record<string, [string]> };
  const urls = Object.entries(paths).map(([name, [path]]) => [name, pathToFileURL(join(top, path)).href]);
  const hook = `import { registerHooks } from "node:module";
    const urls = new Map(${JSON.stringify(urls)});
    registerHooks({ resolve: (name, context, next) => next(urls.get(name) ?? name, context) });`;
  return `data:text/javascript,${encodeURIComponent(hook)}`;
}
