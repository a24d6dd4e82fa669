import type { Lock } from "../../src/build/locked_package.ts";

/**
 * Returns the dependencies of a lock's packages that Node.js does not find where the lock places them, as
 * `folder -> name@version`. It looks from each folder, links followed, for the nearest `node_modules` with each name
 * that the lock uses, so that a dependency behind another version of its name counts as not found.
 */
export function unresolved(lock: Lock): string[] {
  const links = new Map(lock.links.map(({ path, target }) => [path, target]));
  const places = new Map(
    lock.packages.flatMap((each) => each.paths.map((path) => [path, `${each.name}@${each.version}`] as const)),
  );
  const names = new Set([...places.keys(), ...links.keys()].map((path) => path.split("node_modules/").at(-1)!));
  const find = (folder: string, name: string): string | undefined => {
    for (let from = folder;; from = from.slice(0, Math.max(from.lastIndexOf("/"), 0))) {
      if (!/(^|\/)node_modules$/.test(from)) {
        const place = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
        const found = places.get(links.get(place) ?? place);
        if (found !== undefined) return found;
      }
      if (from === "") return undefined;
    }
  };
  return lock.packages.flatMap(({ paths, dependencies }) =>
    paths.flatMap((path) => {
      const visible = new Set([...names].map((name) => find(path, name)));
      return dependencies.filter((id) => !visible.has(id)).map((id) => `${path} -> ${id}`);
    })
  );
}
