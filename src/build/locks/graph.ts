// What every lock file comes down to: packages, the projects that they are for, and which depends on which.

import { LockError } from "../../errors.ts";
import type { Lock, LockedLink, LockedPackage } from "../locked_package.ts";
import { compareTexts } from "./fields.ts";

/** A dependency of a package or a project. */
export interface Edge {
  /** The name by which it is imported: the package's own, or an alias. */
  as: string;
  /** The key of the package that satisfies it. */
  to: string;
  /** Whether the dependent works without it. */
  optional: boolean;
}

/** A package of the lock or a project in it, with what is needed to make a {@linkcode LockedPackage} of it. */
export interface Node extends Omit<LockedPackage, "paths" | "dependencies" | "optional"> {
  edges: readonly Edge[];
  /** Dependencies that it does not work without and that the lock does not have. */
  missing?: readonly string[];
  /** The folder of a project, `""` for the root. */
  folder?: string;
  /** Whether another package's tarball contains it. */
  bundled?: boolean;
  /** Names that it takes from its surroundings, not by an edge of its own. */
  peers?: readonly string[];
}

/** The packages of a lock by a key that is its own. */
export interface Graph {
  file: string;
  manager: Lock["manager"];
  nodes: ReadonlyMap<string, Node>;
  requested: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Where packages lie: the folders of each, by key, and the links between folders. */
export interface Placement {
  paths: ReadonlyMap<string, readonly string[]>;
  links: readonly LockedLink[];
}

/** Returns the keys that can be reached from the projects; without `optional`, not through optional dependencies. */
export function reachable(nodes: ReadonlyMap<string, Node>, { optional }: { optional: boolean }): ReadonlySet<string> {
  const found = new Set([...nodes].filter(([, { folder }]) => folder !== undefined).map(([key]) => key));
  // A set can be added to while it is iterated.
  for (const key of found) {
    for (const edge of nodes.get(key)!.edges) {
      if ((optional || !edge.optional) && nodes.has(edge.to)) found.add(edge.to);
    }
  }
  return found;
}

/**
 * Makes the lock of a graph: its production set, and each package of it once, with all folders that it lies in.
 *
 * @throws {LockError} if a package of the set depends on one that the lock does not have.
 */
export function lockOf(graph: Graph, place: (reached: ReadonlyMap<string, Node>) => Placement): Lock {
  const { file, manager, nodes, requested } = graph;
  const keys = reachable(nodes, { optional: true });
  const required = reachable(nodes, { optional: false });
  const reached = new Map([...nodes].filter(([key]) => keys.has(key)));
  const { paths, links } = place(reached);
  const idOf = (key: string) => `${nodes.get(key)!.name}@${nodes.get(key)!.version}`;
  const packages = new Map<string, LockedPackage>();
  for (const [key, node] of reached) {
    const { edges, missing = [], folder, bundled, peers: _, ...facts } = node;
    // What a project asks for is compared with its package.json, which gives the better message.
    if (missing.length > 0 && folder === undefined) throw lacks(graph, idOf(key), missing[0]);
    if (folder === "" || bundled) continue;
    const dependencies = edges.filter(({ to }) => reached.has(to) && reached.get(to)!.folder !== "").map(({ to }) =>
      idOf(to)
    );
    const own = {
      ...facts,
      paths: folder === undefined ? paths.get(key) ?? [] : [folder],
      optional: !required.has(key),
    };
    const id = `${node.from} ${idOf(key)} ${folder ?? ""}`;
    const known = packages.get(id);
    packages.set(id, {
      ...own,
      ...known,
      paths: sorted([...known?.paths ?? [], ...own.paths]),
      optional: (known?.optional ?? true) && own.optional,
      dependencies: sorted([...known?.dependencies ?? [], ...dependencies]),
    });
  }
  return {
    file,
    manager,
    packages: [...packages.values()].sort((a, b) =>
      compareTexts(a.name, b.name) || compareTexts(a.version, b.version) || compareTexts(a.paths[0], b.paths[0])
    ),
    links: links.toSorted((a, b) => compareTexts(a.path, b.path)),
    requested,
  };
}

function lacks({ file, manager }: Graph, id: string, name: string): LockError {
  return new LockError(`${file} has no ${name}, which ${id} depends on`, { hint: `run "${manager} install"` });
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort(compareTexts);
}

/** Returns the places in which Node.js looks for a package on behalf of a folder, the nearest first. */
export function lookUp(folder: string, name: string): string[] {
  const parts = folder === "" ? [] : folder.split("/");
  const places: string[] = [];
  for (let count = parts.length; count >= 0; count--) {
    if (parts[count - 1] !== "node_modules") places.push([...parts.slice(0, count), "node_modules", name].join("/"));
  }
  return places;
}
