import { LockError } from "../../errors.ts";
import { hashHex } from "../../runtime/mod.ts";
import type { Lock } from "../locked_package.ts";
import { checkedName, checkedPath, type Fields, objectOf, platformFields, rangesOf, textOf } from "./fields.ts";
import { type Edge, lockOf, type Node } from "./graph.ts";
import type { Manifests } from "./manifests.ts";
import { parseYamlLock } from "./parse_lock.ts";
import { storePlacement } from "./store_placement.ts";

/** The longest name of a folder in pnpm's store; a longer one ends with a hash. */
const LONGEST_FOLDER = 120;

/**
 * Reads pnpm-lock.yaml of pnpm 8 (version 6) and of later ones (version 9).
 *
 * @throws {LockError} if it is not such a file.
 */
export async function readPnpmLock(text: string, file: string, manifests: Manifests): Promise<Lock> {
  const fields = await parseYamlLock(text, file);
  const version = String(fields.lockfileVersion);
  if (!/^[69]\.\d+$|^[69]$/.test(version)) {
    throw new LockError(`${file} has the version ${JSON.stringify(version)}, and 6 and 9 are supported`, {
      hint: 'run "pnpm install --lockfile-only" with pnpm 8 or later',
    });
  }
  const isOld = version.startsWith("6");
  // A version of a dependency is a version, or a whole key where the dependency has another name.
  const keyOf = (as: string, reference: string) =>
    isKey(reference, isOld) ? reference : `${isOld ? "/" : ""}${as}@${reference}`;
  const packages = objectOf(fields, "packages");
  const snapshots = isOld ? packages : objectOf(fields, "snapshots");
  const importers = "importers" in fields ? objectOf(fields, "importers") : { ".": fields };
  const nodes = new Map<string, Node>();
  const requested = new Map<string, ReadonlyMap<string, string>>();
  for (const name of Object.keys(importers)) {
    const folder = name === "." ? "" : checkedPath(name, file);
    const importer = objectOf(importers, name);
    nodes.set(`project ${folder}`, projectNode(folder, importer, manifests.get(folder), keyOf, file));
    requested.set(folder, withoutOverrides(rangesOfImporter(importer), fields, manifests.get(folder)));
  }
  for (const key of Object.keys(snapshots)) {
    const entry = isOld ? objectOf(packages, key) : objectOf(packages, withoutPeers(key));
    const edges = edgesOf(objectOf(snapshots, key), keyOf, "", file);
    const missing = edges.filter(({ to, optional }) =>
      !optional && !Object.hasOwn(snapshots, to) && !to.startsWith("project ")
    );
    nodes.set(key, {
      ...nodeOf(key, entry, isOld, file),
      edges,
      missing: missing.map(({ as }) => as),
    });
  }
  if (!nodes.has("project ")) {
    throw new LockError(`${file} has no entry for the project itself`, { hint: 'run "pnpm install"' });
  }
  const folders = new Map<string, string>();
  for (const key of nodes.keys()) folders.set(key, await storeFolder(isOld ? key.slice(1) : key));
  const place = (reached: ReadonlyMap<string, Node>) =>
    storePlacement(reached, "node_modules/.pnpm", (key) => folders.get(key)!);
  return lockOf({ file, manager: "pnpm", nodes, requested }, place);
}

type KeyOf = (as: string, reference: string) => string;

function projectNode(folder: string, importer: Fields, manifest: Fields | undefined, keyOf: KeyOf, file: string): Node {
  return {
    name: (manifest && textOf(manifest, "name")) ?? folder.slice(folder.lastIndexOf("/") + 1),
    version: (manifest && textOf(manifest, "version")) ?? "0.0.0",
    from: "workspace",
    folder,
    edges: edgesOf(importer, keyOf, folder, file),
  };
}

function nodeOf(key: string, entry: Fields, isOld: boolean, file: string): Omit<Node, "edges"> {
  const id = withoutPeers(isOld ? key.slice(1) : key);
  const at = id.indexOf("@", 1);
  const resolution = objectOf(entry, "resolution");
  const [integrity, tarball, type] = ["integrity", "tarball", "type"].map((name) => textOf(resolution, name));
  const elsewhere = type === "git" ? `git+${textOf(resolution, "repo")}` : type === undefined ? undefined : `${type}:`;
  const resolved = key.includes("(patch_hash=") ? "patch:" : elsewhere ?? tarball;
  return {
    name: checkedName(textOf(entry, "name") ?? id.slice(0, at < 0 ? undefined : at), file),
    version: textOf(entry, "version") ?? id.slice(at + 1),
    from: "npm",
    ...(integrity && { integrity }),
    ...(resolved && { resolved }),
    ...platformFields(entry),
    // Version 6 notes a script for each package that was not unpacked, too.
    ...(isOld && entry.requiresBuild !== true && { hasInstallScript: false }),
  };
}

/** Returns the dependencies of an importer or a package; a link leads to another importer. */
function edgesOf(entry: Fields, keyOf: KeyOf, folder: string, file: string): Edge[] {
  return (["dependencies", "optionalDependencies"] as const).flatMap((kind) => {
    const references = objectOf(entry, kind);
    return Object.entries(references).map(([as, value]) => {
      const reference = typeof value === "string" ? value : textOf(value as Fields, "version") ?? "";
      const to = reference.startsWith("link:")
        ? `project ${checkedPath(join(folder, reference.slice("link:".length)), file)}`
        : keyOf(checkedName(as, file), reference);
      return { as, to, optional: kind === "optionalDependencies" };
    });
  });
}

function rangesOfImporter(importer: Fields): ReadonlyMap<string, string> {
  // A lock of one project in version 6 may have the ranges in a list of their own.
  const listed = rangesOf(importer, "specifiers");
  const found = (["dependencies", "optionalDependencies"] as const).flatMap((kind) =>
    Object.entries(objectOf(importer, kind)).map(([name, value]): [string, string] => [
      name,
      typeof value === "string" ? listed.get(name) ?? value : textOf(value as Fields, "specifier") ?? "",
    ])
  );
  return new Map(found);
}

/** Returns the ranges as package.json has them where the lock has those of `overrides`. */
function withoutOverrides(
  ranges: ReadonlyMap<string, string>,
  lock: Fields,
  manifest: Fields | undefined,
): ReadonlyMap<string, string> {
  const overridden = new Set(Object.keys(objectOf(lock, "overrides")).map((name) => name.replace(/(.)@.*$/, "$1")));
  const written = new Map([...rangesOf(manifest, "dependencies"), ...rangesOf(manifest, "optionalDependencies")]);
  return new Map([...ranges].map(([name, range]) => [name, overridden.has(name) ? written.get(name) ?? range : range]));
}

/** Returns whether a reference is a whole key: a name in front of the version, not only in its peers. */
function isKey(reference: string, isOld: boolean): boolean {
  if (isOld) return reference.startsWith("/");
  const [front] = reference.split("(");
  const at = front.indexOf("@", 1);
  return at > 0 && !front.slice(0, at).includes(":");
}

function withoutPeers(key: string): string {
  const at = key.indexOf("(");
  return at < 0 ? key : key.slice(0, at);
}

/** Resolves `..` of a link between workspaces. */
function join(folder: string, path: string): string {
  const parts = folder === "" ? [] : folder.split("/");
  for (const part of path.split("/")) {
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

/** Returns the name of a package's folder in `node_modules/.pnpm`. */
async function storeFolder(key: string): Promise<string> {
  const name = key.replace(/[\\/:*?"<>|#]/g, "+").replace(/\)$/, "").replace(/\)\(|\(|\)/g, "_");
  if (name.length <= LONGEST_FOLDER && name === name.toLowerCase()) return name;
  const hash = (await hashHex(new TextEncoder().encode(name), "sha256")).slice(0, 32);
  return `${name.slice(0, LONGEST_FOLDER - 33)}_${hash}`;
}
