import type { Lock, LockedPackage } from "../locked_package.ts";
import { lookUp } from "./graph.ts";

/**
 * Returns what a project of the lock (`""` for the root, else a workspace's folder) depends on itself, found as Node.js
 * finds it: in the nearest `node_modules`, through links. What the lock leaves out is not among it.
 */
export function directDependencies(lock: Lock, project = ""): readonly LockedPackage[] {
  const byPath = new Map(lock.packages.flatMap((each) => each.paths.map((path) => [path, each] as const)));
  const links = new Map(lock.links.map(({ path, target }) => [path, target]));
  return [...lock.requested.get(project)?.keys() ?? []].flatMap((name) => {
    const found = lookUp(project, name).map((place) => byPath.get(links.get(place) ?? place)).find(Boolean);
    // Packages of JSR lie in no node_modules, and are found by their names alone.
    return found ?? lock.packages.filter((each) => each.from === "jsr" && each.name === name);
  });
}
