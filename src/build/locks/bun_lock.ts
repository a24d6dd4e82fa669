import { LockError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import type { Lock, LockedLink } from "../locked_package.ts";
import {
  checkedName,
  checkedPath,
  type Fields,
  objectOf,
  platformFields,
  rangesOf,
  textOf,
  textsOf,
} from "./fields.ts";
import { type Edge, lockOf, type Node } from "./graph.ts";
import { parseLockObject } from "./parse_lock.ts";

/**
 * Reads bun.lock, JSON with commas after last members. The keys of its `packages` are the names of the packages that
 * contain one another's `node_modules`: `a/b` is `node_modules/a/node_modules/b`, or `b` in a workspace named `a`.
 *
 * @throws {LockError} if it is not such a file.
 */
export function readBunLock(text: string, file: string): Lock {
  const fields = parseLockObject(withoutLastCommas(text), file);
  const { lockfileVersion: version } = fields;
  if (version !== 0 && version !== 1 && version !== 2) {
    throw new LockError(`${file} has the version ${JSON.stringify(version)}, and 0 to 2 are supported`, {
      hint: 'run "bun install"',
    });
  }
  const workspaces = objectOf(fields, "workspaces");
  const patched = objectOf(fields, "patchedDependencies");
  const nodes = new Map<string, Node>();
  const requested = new Map<string, ReadonlyMap<string, string>>();
  const folders = new Map<string, string>();
  for (const folder of Object.keys(workspaces)) {
    const entry = objectOf(workspaces, folder);
    const name = textOf(entry, "name") ?? folder.slice(folder.lastIndexOf("/") + 1);
    if (folder !== "") folders.set(checkedName(name, file), checkedPath(folder, file));
    requested.set(folder, askedFor(entry));
    nodes.set(`project ${folder}`, {
      name,
      version: textOf(entry, "version") ?? "0.0.0",
      from: "workspace",
      folder,
      edges: [],
    });
  }
  if (!nodes.has("project ")) {
    throw new LockError(`${file} has no entry for the project itself`, { hint: 'run "bun install"' });
  }
  const packages = objectOf(fields, "packages");
  const keyOf = (place: string) => {
    if (!Object.hasOwn(packages, place)) return undefined;
    const id = idOf(packages[place]);
    const at = id.indexOf("@workspace:");
    return at < 0 ? place : `project ${checkedPath(id.slice(at + "@workspace:".length), file)}`;
  };
  for (const place of Object.keys(packages)) {
    if (keyOf(place) !== place) continue;
    const entry = packages[place] as unknown[];
    const info = entry.find(isObject) ?? {};
    nodes.set(place, { ...nodeOf(entry, info, patched, file), ...edgesOf(place, info, keyOf) });
  }
  for (
    const [folder, project] of [...nodes.values()].filter(({ folder }) => folder !== undefined).map((each) =>
      [each.folder!, each] as const
    )
  ) {
    const place = folder === "" ? "" : project.name;
    nodes.set(`project ${folder}`, { ...project, ...edgesOf(place, objectOf(workspaces, folder), keyOf) });
  }
  const links: LockedLink[] = Object.keys(packages)
    .map((place) => ({ path: pathOf(place, folders), target: keyOf(place) ?? "" }))
    .filter(({ target }) => target.startsWith("project "))
    .map(({ path, target }) => ({ path, target: target.slice("project ".length) }));
  return lockOf({ file, manager: "bun", nodes, requested }, (reached) => ({
    paths: new Map([...reached.keys()].map((place) => [place, [pathOf(place, folders)]])),
    links,
  }));
}

function nodeOf(entry: readonly unknown[], info: Fields, patched: Fields, file: string): Omit<Node, "edges"> {
  const id = idOf(entry);
  const at = id.indexOf("@", 1);
  const [name, version] = [checkedName(id.slice(0, at), file), id.slice(at + 1)];
  const texts = entry.slice(1).filter((each) => typeof each === "string");
  const integrity = texts.find((each) => /^sha\d+-/.test(each));
  // A package of a registry other than the usual one has the address of its tarball; others have theirs as the version.
  const address = texts.find((each) => /^https?:.*\.tgz$/.test(each));
  const elsewhere = /^[a-z+]+:|^\.{0,2}\/|^github:/i.test(version) ? version : undefined;
  const resolved = Object.hasOwn(patched, id) ? "patch:" : elsewhere ?? address;
  return {
    name,
    version: elsewhere === undefined ? version : "0.0.0",
    from: "npm",
    ...(integrity && { integrity }),
    ...(resolved && { resolved }),
    ...platformFields(info),
    ...(info.hasInstallScript === true && { hasInstallScript: true }),
  };
}

/** Returns the first text of an entry, `name@version`. */
function idOf(entry: unknown): string {
  const [id] = Array.isArray(entry) ? entry : [];
  return typeof id === "string" ? id : "";
}

function edgesOf(
  place: string,
  entry: Fields,
  keyOf: (place: string) => string | undefined,
): Pick<Node, "edges" | "missing"> {
  const optional = rangesOf(entry, "optionalDependencies");
  const required = rangesOf(entry, "dependencies");
  const edges: Edge[] = [];
  const missing: string[] = [];
  for (const as of askedFor(entry).keys()) {
    const parts = partsOf(place);
    let to: string | undefined;
    for (let count = parts.length; count >= 0 && to === undefined; count--) {
      to = keyOf([...parts.slice(0, count), as].join("/"));
    }
    if (to !== undefined) edges.push({ as, to, optional: optional.has(as) });
    else if (required.has(as) && !optional.has(as)) missing.push(as);
  }
  return { edges, missing };
}

function askedFor(entry: Fields): ReadonlyMap<string, string> {
  const optional = new Set(textsOf(entry, "optionalPeers"));
  const peers = [...rangesOf(entry, "peerDependencies")].filter(([name]) => !optional.has(name));
  return new Map([...peers, ...rangesOf(entry, "dependencies"), ...rangesOf(entry, "optionalDependencies")]);
}

/** Returns the names of which a key consists: `@a/b/c` is `@a/b` and `c`. */
function partsOf(place: string): string[] {
  return place.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];
}

/** Returns the folder of a key. */
function pathOf(place: string, folders: ReadonlyMap<string, string>): string {
  const [first, ...rest] = partsOf(place);
  const workspace = rest.length > 0 ? folders.get(first) : undefined;
  const names = workspace === undefined ? [first, ...rest] : rest;
  return [...(workspace === undefined ? [] : [workspace]), ...names.map((name) => `node_modules/${name}`)].join("/");
}

/** Takes away commas before `}` and `]`, outside of texts. */
function withoutLastCommas(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (match) => match === "," ? "" : match);
}
