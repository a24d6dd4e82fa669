import { LockError } from "../../errors.ts";
import type { Lock } from "../locked_package.ts";
import { checkedName, checkedPath, type Fields, objectOf, rangesOf, textOf } from "./fields.ts";
import { type Edge, lockOf, type Node } from "./graph.ts";
import { hoistedPlacement } from "./hoisted_placement.ts";
import type { Manifests } from "./manifests.ts";
import { parseYamlLock } from "./parse_lock.ts";
import { resolutionsOf } from "./resolutions.ts";

/**
 * Reads yarn.lock of yarn 2 and later. Its checksums are of yarn's own archives, so the hashes of tarballs are the
 * registry's.
 *
 * @throws {LockError} if it is not such a file.
 */
export async function readBerryLock(text: string, file: string, manifests: Manifests): Promise<Lock> {
  const { __metadata: _, ...entries } = await parseYamlLock(text, file);
  const keys = new Map(Object.keys(entries).flatMap((key) => key.split(/,\s*/).map((descriptor) => [descriptor, key])));
  const forced = resolutionsOf(manifests);
  const find = (name: string, range: string) =>
    [range, `npm:${range}`, forced.get(name), `npm:${forced.get(name)}`, builtIn(name, range)]
      .map((each) => keys.get(`${name}@${each}`)).find((key) => key !== undefined);
  const nodes = new Map<string, Node>();
  const requested = new Map<string, ReadonlyMap<string, string>>();
  for (const key of Object.keys(entries)) {
    const entry = objectOf(entries, key);
    const resolution = textOf(entry, "resolution") ?? "";
    const at = resolution.indexOf("@", 1);
    const name = checkedName(resolution.slice(0, Math.max(at, 0)), file);
    const reference = resolution.slice(at + 1);
    const ranges = rangesOf(entry, "dependencies");
    if (!reference.startsWith("workspace:")) {
      nodes.set(key, { ...nodeOf(name, reference, entry), ...edgesOf(entry, ranges, find) });
      continue;
    }
    const path = reference.slice("workspace:".length);
    const folder = path === "." ? "" : checkedPath(path, file);
    const manifest = manifests.get(folder) ?? {};
    // The lock does not tell development dependencies from others; package.json does.
    const development = new Set(rangesOf(manifest, "devDependencies").keys());
    const wanted = new Map([...rangesOf(manifest, "dependencies"), ...rangesOf(manifest, "optionalDependencies")]);
    const production = new Map([...ranges].filter(([name]) => wanted.has(name) || !development.has(name)));
    const version = textOf(manifest, "version") ?? "0.0.0";
    nodes.set(key, { name, version, from: "workspace", folder, edges: edgesOf(entry, production, find).edges });
    requested.set(folder, new Map([...production].map(([name, range]) => [name, asWritten(range, wanted.get(name))])));
  }
  if (!requested.has("")) {
    throw new LockError(`${file} has no entry for the project itself`, { hint: 'run "yarn install"' });
  }
  return lockOf({ file, manager: "yarn", nodes, requested }, hoistedPlacement);
}

/** Returns a range of the lock as package.json has it: yarn adds the protocol of the registry. */
function asWritten(range: string, wanted: string | undefined): string {
  return range === `npm:${wanted}` ? wanted! : range;
}

/** Returns the range of a patch that yarn itself has for its other linker. */
function builtIn(name: string, range: string): string {
  return `patch:${name}@npm%3A${range.replace(/^npm:/, "")}#optional!builtin<compat/${name}>`;
}

function nodeOf(name: string, reference: string, entry: Fields): Omit<Node, "edges"> {
  const [protocol] = reference.split(/:/, 1);
  // An address of a tarball in another registry follows as a parameter.
  const archive = /::.*__archiveUrl=([^&]+)/.exec(reference)?.[1];
  const isBuiltIn = /^patch:.*#(?:optional!)?builtin</.test(reference);
  const resolved = protocol === "npm" ? archive && decodeURIComponent(archive) : isBuiltIn ? undefined : reference;
  const peers = [...rangesOf(entry, "peerDependencies").keys()];
  return {
    name,
    version: textOf(entry, "version") ?? "0.0.0",
    from: "npm",
    ...(resolved && { resolved }),
    ...conditionsOf(textOf(entry, "conditions") ?? ""),
    ...(peers.length > 0 && { peers }),
  };
}

/** Reads conditions such as `os=linux & (cpu=x64 | cpu=arm64)`. */
function conditionsOf(text: string): Pick<Node, "os" | "cpu" | "libc"> {
  const found: { os?: string[]; cpu?: string[]; libc?: string[] } = {};
  for (const [, name, not, value] of text.matchAll(/\b(os|cpu|libc)(!?)=([^\s&|()]+)/g)) {
    (found[name as "os" | "cpu" | "libc"] ??= []).push(not + value);
  }
  return found;
}

function edgesOf(
  entry: Fields,
  ranges: ReadonlyMap<string, string>,
  find: (name: string, range: string) => string | undefined,
): Pick<Node, "edges" | "missing"> {
  const meta = objectOf(entry, "dependenciesMeta");
  const edges: Edge[] = [];
  const missing: string[] = [];
  for (const [as, range] of ranges) {
    // Yarn adds the compiler to packages that compile, which no image does.
    if (as === "node-gyp" && range === "npm:latest") continue;
    const to = find(as, range);
    const optional = objectOf(meta, as).optional === true;
    if (to !== undefined) edges.push({ as, to, optional });
    else if (!optional) missing.push(as);
  }
  return { edges, missing };
}
