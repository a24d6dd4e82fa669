import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readJson, top } from "./tree.ts";

/**
 * What Node.js is to import first in a checkout: it gives what an installed package has by its dependencies and a
 * checkout has not, `@std`, under the names that tsconfig.json has for Bun.
 */
export function standardModules(): string {
  const { paths } = readJson("tsconfig.json").compilerOptions as { paths: Record<string, [string]> };
  const urls = Object.entries(paths).map(([name, [path]]) => [name, pathToFileURL(join(top, path)).href]);
  const hook = `import { registerHooks } from "node:module";
    const urls = new Map(${JSON.stringify(urls)});
    registerHooks({ resolve: (name, context, next) => next(urls.get(name) ?? name, context) });`;
  return `data:text/javascript,${encodeURIComponent(hook)}`;
}
