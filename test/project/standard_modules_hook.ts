// Node.js imports this first in a checkout: it resolves the names of `@std` as tsconfig.json does for Bun.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const top = new URL("../../", import.meta.url);
const { paths } = JSON.parse(readFileSync(new URL("tsconfig.json", top), "utf8")).compilerOptions;
const urls = new Map(
  Object.entries<[string]>(paths).map(([name, [path]]) => [name, new URL(path, top).href]),
);
registerHooks({ resolve: (name, context, next) => next(urls.get(name) ?? name, context) });
