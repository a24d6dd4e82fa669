import type { Lock, LockedPackage } from "./locked_package.ts";
import { directDependencies } from "./locks/mod.ts";

/**
 * Returns the part of a lock that one workspace needs: the packages and the other workspaces that it leads to. The
 * project itself, `""`, needs all of it.
 */
export function lockFor(lock: Lock, project: string): Lock {
  if (project === "") return lock;
  const byId = new Map<string, LockedPackage[]>();
  for (const one of lock.packages) {
    const id = `${one.name}@${one.version}`;
    byId.set(id, [...byId.get(id) ?? [], one]);
  }
  const own = lock.packages.filter(({ from, paths }) => from === "workspace" && paths.includes(project));
  const reached = new Set([...own, ...directDependencies(lock, project)]);
  // A set can be added to while it is iterated.
  for (const { dependencies } of reached) {
    for (const id of dependencies) for (const one of byId.get(id) ?? []) reached.add(one);
  }
  const folders = lock.packages.flatMap(({ from, paths }) => from === "workspace" ? paths : []);
  const needed = new Set([...reached].flatMap(({ from, paths }) => from === "workspace" ? paths : []));
  const isNeeded = (path: string) => !folders.some((folder) => !needed.has(folder) && path.startsWith(`${folder}/`));
  const packages = lock.packages
    .filter((one) => reached.has(one))
    .map((one) => ({ ...one, paths: one.paths.filter((path) => one.from === "workspace" || isNeeded(path)) }));
  const places = new Set(packages.flatMap(({ paths }) => paths));
  const links = lock.links.filter(({ path, target }) => places.has(target) && isNeeded(path));
  return { ...lock, packages, links };
}
