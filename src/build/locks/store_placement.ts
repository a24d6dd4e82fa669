import type { LockedLink } from "../locked_package.ts";
import { compareTexts } from "./fields.ts";
import type { Node, Placement } from "./graph.ts";

/**
 * Places packages as pnpm and Deno do: each in a folder of its own in a store, beside links to what it depends on, and
 * links in the projects' `node_modules` to what they depend on.
 *
 * @param store the store's folder, relative to the project
 * @param folderOf returns the name of a package's folder in the store, by its key
 */
export function storePlacement(
  reached: ReadonlyMap<string, Node>,
  store: string,
  folderOf: (key: string) => string,
): Placement {
  const paths = new Map<string, readonly string[]>();
  for (const [key, { name, folder }] of reached) {
    paths.set(key, [folder ?? `${store}/${folderOf(key)}/node_modules/${name}`]);
  }
  const targetOf = (key: string) => paths.get(key)![0];
  const links = new Map<string, LockedLink>();
  const link = (path: string, key: string) => {
    if (path !== targetOf(key)) links.set(path, { path, target: targetOf(key) });
  };
  for (const [key, { folder, edges }] of reached) {
    const beside = folder === undefined ? `${store}/${folderOf(key)}/node_modules` : inside(folder);
    for (const edge of edges) if (reached.has(edge.to)) link(`${beside}/${edge.as}`, edge.to);
  }
  // Packages may import what they do not declare, so the store has a link for each name, as the managers make it.
  for (const [as, key] of nearest(reached)) link(`${store}/node_modules/${as}`, key);
  return { paths, links: [...links.values()] };
}

function inside(folder: string): string {
  return folder === "" ? "node_modules" : `${folder}/node_modules`;
}

/** Returns the packages by the names they are imported by, of each name the one nearest to a project. */
function nearest(reached: ReadonlyMap<string, Node>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  let level = [...reached].filter(([, { folder }]) => folder !== undefined).map(([key]) => key);
  while (level.length > 0) {
    const next: string[] = [];
    for (const key of level.sort(compareTexts)) {
      if (seen.has(key)) continue;
      seen.add(key);
      for (const { as, to } of reached.get(key)!.edges) {
        if (!reached.has(to)) continue;
        if (reached.get(to)!.folder === undefined && !found.has(as)) found.set(as, to);
        next.push(to);
      }
    }
    level = next;
  }
  return found;
}
