import { it } from "node:test";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { describePeer, runPeer } from "../peers/mod.ts";
import { exportedModules } from "./exports.ts";
import { readJson, top } from "./tree.ts";

/**
 * Gives Node.js what an installed package has by its dependencies and a checkout has not: `@std`, under the names that
 * tsconfig.json has for Bun.
 */
function standardModules(): string {
  const { paths } = readJson("tsconfig.json").compilerOptions as { paths: Record<string, [string]> };
  const urls = Object.entries(paths).map(([name, [path]]) => [name, pathToFileURL(join(top, path)).href]);
  const hook = `import { registerHooks } from "node:module";
    const urls = new Map(${JSON.stringify(urls)});
    registerHooks({ resolve: (name, context, next) => next(urls.get(name) ?? name, context) });`;
  return `data:text/javascript,${encodeURIComponent(hook)}`;
}

// Node.js strips the types by itself and finds the package by its name through package.json.
describePeer("Node.js imports", ["node 22.18"], () => {
  // Not the command line, which is a program.
  for (const { name } of exportedModules().filter(({ name }) => name !== "@gcrane/gcrane/cli")) {
    it(name, async () => {
      const code = `await import(${JSON.stringify(name)});`;
      await runPeer("node 22.18", ["--import", standardModules(), "--input-type=module", "--eval", code], { cwd: top });
    });
  }
});
