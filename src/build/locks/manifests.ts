import { LockError } from "../../errors.ts";
import type { ProjectFiles } from "../project_files.ts";
import { compareTexts, type Fields, objectOf, textsOf } from "./fields.ts";
import { parseLockObject, parseYamlLock } from "./parse_lock.ts";

/** The package.json files of a project by their folders: `""` for the root, and those of its workspaces. */
export type Manifests = ReadonlyMap<string, Fields>;

/** The deepest folder that a pattern with `**` looks into, so that a cycle of links ends. */
const MOST_LEVELS = 8;

/** Reads the package.json of a project and those of the workspaces that it names. */
export async function readManifests(files: ProjectFiles): Promise<Manifests> {
  const root = await readManifest(files, "");
  const manifests = new Map<string, Fields>();
  if (root === undefined) return manifests;
  manifests.set("", root);
  const { workspaces } = root;
  const file = await files.read("pnpm-workspace.yaml");
  const pnpm = file && await parseYamlLock(new TextDecoder().decode(file), "pnpm-workspace.yaml");
  const patterns = [
    ...textsOf(Array.isArray(workspaces) ? root : {}, "workspaces") ?? [],
    ...textsOf(objectOf(root, "workspaces"), "packages") ?? [],
    ...textsOf(pnpm ?? {}, "packages") ?? [],
  ];
  for (const folder of await foldersOf(files, patterns)) {
    const manifest = await readManifest(files, folder);
    if (manifest !== undefined) manifests.set(folder, manifest);
  }
  return manifests;
}

async function readManifest(files: ProjectFiles, folder: string): Promise<Fields | undefined> {
  const path = folder === "" ? "package.json" : `${folder}/package.json`;
  const bytes = await files.read(path);
  return bytes && parseLockObject(new TextDecoder().decode(bytes), path);
}

/** Returns the folders that the patterns of `workspaces` match, sorted; a pattern after `!` takes some away. */
async function foldersOf(files: ProjectFiles, patterns: readonly string[]): Promise<string[]> {
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    const clean = pattern.replace(/^!/, "").replace(/^(?:\.?\/)+|\/+$/g, "");
    if (clean.split("/").includes("..")) {
      throw new LockError(
        `package.json has the workspace ${JSON.stringify(pattern)}, which is outside of the project`,
        {
          hint: "run the build in the folder that has all workspaces",
        },
      );
    }
    const segments = clean.split("/").map(segmentPattern).join("/");
    const test = new RegExp(
      `^${segments.replaceAll("<any>/", "(?:[^/]+/)*").replace(/\/<any>$/, "(?:/[^/]+)*")}$`,
    );
    if (pattern.startsWith("!")) { for (const folder of chosen) if (test.test(folder)) chosen.delete(folder); }
    else for await (const folder of walk(files, "", clean.split("/"))) if (test.test(folder)) chosen.add(folder);
  }
  return [...chosen].sort(compareTexts);
}

/** Returns the regular expression of a part between slashes: `*`, `?` and `{a,b}` are patterns. */
function segmentPattern(segment: string): string {
  if (segment === "**") return "<any>";
  return segment.replace(/\{([^{}]*)\}|[*?]|[.+^$()|[\]\\{}]/g, (part, list?: string) => {
    if (list !== undefined) return `(?:${list.split(",").map(segmentPattern).join("|")})`;
    return part === "*" ? "[^/]*" : part === "?" ? "[^/]" : `\\${part}`;
  });
}

/** Lists the folders under `folder` that a pattern may match, so that no more folders are read than needed. */
async function* walk(files: ProjectFiles, folder: string, parts: readonly string[], level = 0): AsyncGenerator<string> {
  if (parts.length === 0) return void (yield folder);
  const [part, ...rest] = parts;
  if (!/[*?{]/.test(part)) return yield* walk(files, folder === "" ? part : `${folder}/${part}`, rest, level);
  if (part === "**") yield* walk(files, folder, rest, level);
  if (level === MOST_LEVELS) return;
  for (const { path, type } of await files.list(folder)) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (type !== "directory" || name === "node_modules" || name.startsWith(".")) continue;
    yield* walk(files, path, part === "**" ? parts : rest, level + 1);
  }
}
