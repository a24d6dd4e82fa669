import { LockError } from "../../errors.ts";
import type { Lock, LockedLink } from "../locked_package.ts";
import { checkedName, checkedPath, type Fields, objectOf, platformFields, rangesOf, textOf } from "./fields.ts";
import { type Edge, lockOf, lookUp, type Node } from "./graph.ts";
import { parseLockObject } from "./parse_lock.ts";

/**
 * Reads package-lock.json or npm-shrinkwrap.json of npm 7 or later (versions 2 and 3), in which the keys of `packages`
 * are the folders that npm makes.
 *
 * @throws {LockError} if it is not such a file.
 */
export function readNpmLock(text: string, file: string): Lock {
  const fields = parseLockObject(text, file);
  const { lockfileVersion: version } = fields;
  if (version !== 2 && version !== 3) {
    throw new LockError(`${file} has the version ${JSON.stringify(version)}, and 2 and 3 are supported`, {
      hint: 'run "npm install --package-lock-only" with npm 7 or later',
    });
  }
  const entries = new Map(Object.entries(objectOf(fields, "packages")) as [string, Fields][]);
  const links: LockedLink[] = [];
  for (const [path, entry] of entries) {
    if (path !== "") checkedPath(path, file);
    if (entry.link === true) links.push({ path, target: checkedPath(textOf(entry, "resolved") ?? "", file) });
  }
  const targets = new Map(links.map(({ path, target }) => [path, target]));
  const nodes = new Map<string, Node>();
  const requested = new Map<string, ReadonlyMap<string, string>>();
  for (const [path, entry] of entries) {
    if (entry.link === true) continue;
    const isProject = !path.split("/").includes("node_modules");
    nodes.set(path, {
      ...nodeOf(path, entry, file),
      ...(isProject && { folder: path }),
      ...edgesOf(path, entry, (place) => targets.get(place) ?? (entries.has(place) ? place : undefined)),
    });
    if (isProject) requested.set(path, askedFor(entry));
  }
  if (!nodes.has("")) throw new LockError(`${file} has no entry for the project itself`, { hint: 'run "npm install"' });
  return lockOf({ file, manager: "npm", nodes, requested }, (reached) => ({
    paths: new Map([...reached.keys()].map((path) => [path, [path]])),
    links: links.filter(({ target }) => reached.has(target)),
  }));
}

function nodeOf(path: string, entry: Fields, file: string): Omit<Node, "edges"> {
  const place = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const isInstalled = path.includes("node_modules/");
  const name = textOf(entry, "name") ?? (isInstalled ? place : path.slice(path.lastIndexOf("/") + 1));
  const [integrity, resolved, license] = [
    textOf(entry, "integrity"),
    textOf(entry, "resolved"),
    textOf(entry, "license"),
  ];
  return {
    name: path === "" ? name : checkedName(name, file),
    version: textOf(entry, "version") ?? "0.0.0",
    from: isInstalled ? "npm" : "workspace",
    ...(integrity && { integrity }),
    ...(resolved && { resolved }),
    ...(license && { license }),
    ...platformFields(entry),
    hasInstallScript: entry.hasInstallScript === true,
    ...(entry.inBundle === true && { bundled: true }),
  };
}

/** Returns what an entry depends on. Optional dependencies and peers may be absent from the lock. */
function edgesOf(
  path: string,
  entry: Fields,
  find: (place: string) => string | undefined,
): Pick<Node, "edges" | "missing"> {
  const edges: Edge[] = [];
  const missing: string[] = [];
  const optional = rangesOf(entry, "optionalDependencies");
  const required = rangesOf(entry, "dependencies");
  for (const name of askedFor(entry).keys()) {
    const to = lookUp(path, name).map(find).find((key) => key !== undefined);
    if (to !== undefined) edges.push({ as: name, to, optional: optional.has(name) });
    else if (required.has(name) && !optional.has(name)) missing.push(name);
  }
  return { edges, missing };
}

/** Returns the ranges of an entry's dependencies for production, peers included that npm installs by itself. */
function askedFor(entry: Fields): ReadonlyMap<string, string> {
  const meta = objectOf(entry, "peerDependenciesMeta");
  const peers = [...rangesOf(entry, "peerDependencies")].filter(([name]) => objectOf(meta, name).optional !== true);
  return new Map([...peers, ...rangesOf(entry, "dependencies"), ...rangesOf(entry, "optionalDependencies")]);
}
