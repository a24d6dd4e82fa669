import { encodeBase64 } from "@std/encoding/base64";
import { decodeHex } from "@std/encoding/hex";
import type { Lock } from "../locked_package.ts";
import { checkedName, type Fields, rangesOf, textOf } from "./fields.ts";
import { type Edge, lockOf, type Node } from "./graph.ts";
import { hoistedPlacement } from "./hoisted_placement.ts";
import type { Manifests } from "./manifests.ts";
import { readBerryLock } from "./yarn_berry_lock.ts";
import { resolutionsOf } from "./resolutions.ts";
import { parseYarnText } from "./yarn_text.ts";

/**
 * Reads yarn.lock: of yarn 1, or of a later one. It has no projects in the first form, so what they ask for is from
 * their package.json files, and no platforms, which the registry has.
 *
 * @throws {LockError} if it is not such a file.
 */
export async function readYarnLock(text: string, file: string, manifests: Manifests): Promise<Lock> {
  if (/^__metadata:/m.test(text)) return await readBerryLock(text, file, manifests);
  const entries = Object.entries(parseYarnText(text, file)) as [string, Fields][];
  const keys = new Map(entries.flatMap(([key]) => key.split(/,\s*/).map((pattern) => [pattern, key] as const)));
  const projects = new Map([...manifests].map(([folder, manifest]) => [textOf(manifest, "name"), folder]));
  const forced = resolutionsOf(manifests);
  const find: Find = (name, range) =>
    keys.get(`${name}@${range}`) ?? keys.get(`${name}@${forced.get(name)}`) ?? projectOf(name, projects);
  const nodes = new Map<string, Node>();
  const requested = new Map<string, ReadonlyMap<string, string>>();
  for (const [folder, manifest] of manifests) {
    const name = textOf(manifest, "name") ?? folder.slice(folder.lastIndexOf("/") + 1);
    const { edges, missing = [] } = edgesOf(manifest, find, file);
    nodes.set(`project ${folder}`, {
      name,
      version: textOf(manifest, "version") ?? "0.0.0",
      from: "workspace",
      folder,
      edges,
    });
    const ranges = [...rangesOf(manifest, "dependencies"), ...rangesOf(manifest, "optionalDependencies")];
    requested.set(folder, new Map(ranges.filter(([name]) => !missing.includes(name))));
  }
  for (const [key, entry] of entries) {
    nodes.set(key, { ...nodeOf(key, entry, file), ...edgesOf(entry, find, file) });
  }
  const lock = lockOf({ file, manager: "yarn", nodes, requested }, hoistedPlacement);
  return { ...lock, lacksPlatforms: true };
}

type Find = (name: string, range: string) => string | undefined;

function projectOf(name: string, projects: ReadonlyMap<string | undefined, string>): string | undefined {
  const folder = projects.get(name);
  return folder ? `project ${folder}` : undefined;
}

function nodeOf(key: string, entry: Fields, file: string): Omit<Node, "edges"> {
  // The pattern of an alias is `as@npm:name@range`.
  const [pattern] = key.split(/,\s*/);
  const at = pattern.indexOf("@", 1);
  const range = pattern.slice(at + 1);
  const alias = /^npm:((?:@[^/]+\/)?[^@/]+)(?:@|$)/.exec(range)?.[1];
  const [resolved, fragment = ""] = (textOf(entry, "resolved") ?? "").split("#");
  const integrity = textOf(entry, "integrity") ??
    (/^[0-9a-f]{40}$/.test(fragment) && /\.tgz$/.test(resolved)
      ? `sha1-${encodeBase64(decodeHex(fragment))}`
      : undefined);
  const isElsewhere = !/^https?:.*\.(?:tgz|tar\.gz)$/.test(resolved) || /^(?:git|file:|link:|github:)/.test(range);
  const address = resolved || (isElsewhere && /^(?:file|link):/.test(range) ? range : "");
  return {
    name: checkedName(alias ?? pattern.slice(0, at), file),
    version: textOf(entry, "version") ?? "0.0.0",
    from: "npm",
    ...(integrity && { integrity }),
    ...(address && { resolved: address }),
  };
}

function edgesOf(entry: Fields, find: Find, file: string): Pick<Node, "edges" | "missing"> {
  const optional = rangesOf(entry, "optionalDependencies");
  const edges: Edge[] = [];
  const missing: string[] = [];
  for (const [as, range] of new Map([...rangesOf(entry, "dependencies"), ...optional])) {
    const to = find(checkedName(as, file), range);
    if (to !== undefined) edges.push({ as, to, optional: optional.has(as) });
    else if (!optional.has(as)) missing.push(as);
  }
  return { edges, missing };
}
