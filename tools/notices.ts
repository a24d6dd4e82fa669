// The licences of what a product contains besides the project.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns the licences of everything that an executable or an action contains, of a checkout with its packages in
 * `node_modules`; an executable has Bun inside.
 */
export function notices(stage: string, product: "executable" | "action"): string {
  const { dependencies } = JSON.parse(readFileSync(join(stage, "package.json"), "utf8"));
  const packages = Object.keys(dependencies).filter((name) => name !== "deno-std").map((name) => {
    const folder = join(stage, "node_modules", name);
    const path = ["LICENSE", "LICENSE.md"].map((file) => join(folder, file)).find(existsSync);
    if (path === undefined) throw new Error(`${name} has no file LICENSE`);
    return `This ${product} contains ${name}:\n\n${readFileSync(path, "utf8").trim()}\n`;
  });
  const ours = ["THIRD_PARTY_NOTICES", ...product === "executable" ? ["BUN_NOTICES"] : []].map((name) =>
    readFileSync(join(import.meta.dirname!, name), "utf8")
  );
  return [...ours, ...packages].join(`\n${"-".repeat(120)}\n\n`);
}
