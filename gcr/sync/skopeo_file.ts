import { UsageError } from "../../src/errors.ts";
import { parseRegistry, type Registry, type Repository } from "../../src/name/mod.ts";
import { isHash } from "../../src/spec/mod.ts";
import { type CopyRoot, parseRoot } from "../copy_route.ts";
import { at, Fields, type Node } from "./fields.ts";
import type { SyncEntry, SyncFile, SyncRegistry } from "./sync_file.ts";
import type { SyncWorld } from "./sync_world.ts";
import { chooser, type SyncChoice } from "./tag_choice.ts";

/** Reads a file of `skopeo sync --src yaml`. @throws {UsageError} for one that can't be followed as it is. */
export function readSkopeo(node: Node, world: SyncWorld): SyncFile {
  if (world.destination === undefined) {
    throw new UsageError("it is a file of skopeo, which does not name where the copies go", {
      hint: "name a registry or a repository after the file",
    });
  }
  const root = parseRoot(world.destination, world);
  const file = new Fields(node, "");
  const registries: SyncRegistry[] = [];
  const entries: SyncEntry[] = [];
  for (const name of file.keys) {
    const registry = at(name, () => parseRegistry(name, world));
    const fields = file.map(name);
    registries.push(readRegistry(registry, fields));
    entries.push(...readImages(registry, fields, (repository) => targetOf(root, repository, world.scoped ?? false)));
    fields.end();
  }
  if (entries.length === 0) throw new UsageError("it names no images");
  return { entries, registries, ownCredentials: false };
}

function readRegistry({ name }: Registry, fields: Fields): SyncRegistry {
  const credentials = fields.map("credentials");
  const user = credentials.text("username");
  const password = credentials.text("password");
  const token = credentials.text("identitytoken");
  credentials.end();
  const certificates = fields.text("cert-dir");
  return {
    name,
    insecure: fields.boolean("tls-verify") === false,
    ...(user !== undefined && { user, password: password ?? "" }),
    ...(token !== undefined && { token }),
    ...(certificates !== undefined && { certificates }),
  };
}

function readImages(registry: Registry, fields: Fields, target: (source: Repository) => Repository): SyncEntry[] {
  const images = fields.map("images");
  const entries = images.keys.map((name) => {
    const references = images.texts(name);
    const path = images.at(name);
    if (references.length === 0) return entryOf(registry, name, path, target);
    const named = references.map((from) => isHash(from) ? { from } : { from, to: from });
    return { ...entryOf(registry, name, path, target), images: named };
  });
  const chosen = (key: string, choiceOf: (text: string) => SyncChoice) => {
    const map = fields.map(key);
    return map.keys.map((name) => {
      const choice = choiceOf(map.required(name));
      at(map.at(name), () => chooser([choice]));
      return { ...entryOf(registry, name, map.at(name), target), tags: [choice] };
    });
  };
  return [
    ...entries,
    ...chosen("images-by-tag-regex", (matches) => ({ matches })),
    ...chosen("images-by-semver", (semver) => ({ semver })),
  ];
}

function entryOf(
  registry: Registry,
  name: string,
  path: string,
  targetOf: (source: Repository) => Repository,
): SyncEntry {
  const source = at(path, () => registry.repository(name));
  const target = at(path, () => targetOf(source));
  return {
    path,
    source,
    target,
    texts: { source: source.name, target: target.name, type: "repository" },
    tags: [],
    repositories: {},
    platforms: [],
    referrers: false,
    referrerFilters: [],
    digestTags: false,
    fastCheck: false,
    forceRecursive: false,
    includeExternal: false,
  };
}

/** Returns the copy of a repository below the root: by the last part of its path, or by its full name. */
function targetOf(root: CopyRoot, source: Repository, scoped: boolean): Repository {
  const path = scoped ? `${source.registry.name}/${source.path}`.replaceAll(":", "-") : source.path.split("/").at(-1)!;
  return root.kind === "registry" ? root.repository(path) : root.registry.repository(`${root.path}/${path}`);
}
