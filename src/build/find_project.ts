import { isObject, jsonObject } from "../io/mod.ts";
import { dirName, exists, joinPath, readDirectory, readFile, resolvePath } from "../runtime/mod.ts";
import { directoryFiles } from "./directory_files.ts";
import { gitRevision } from "./labels.ts";
import { isLockFile } from "./project.ts";
import type { ProjectFiles } from "./project_files.ts";

/** An app in a directory: the project that it belongs to, and what git has of that. */
export interface FoundProject {
  /** The files of the project, which has the lock. */
  readonly files: ProjectFiles;
  /** The folder of the app in it; `""` for the project itself. */
  readonly project: string;
  /** The commit that is checked out. */
  readonly revision?: string;
}

/**
 * Finds the project of an app in a directory: the directory itself if it has a lock file, else the next one above that
 * has one and has workspaces.
 *
 * @throws {FileError} if there is no such directory.
 */
export async function findProject(directory: string): Promise<FoundProject> {
  const files = await directoryFiles(directory);
  const absolute = resolvePath(directory);
  const revision = await revisionAbove(absolute);
  if (!await hasLock(absolute)) {
    for (let above = dirName(absolute), last = absolute; above !== last; last = above, above = dirName(above)) {
      if (!await hasLock(above) || !await hasWorkspaces(above)) continue;
      const start = above.length + (/[/\\]$/.test(above) ? 0 : 1);
      const project = absolute.slice(start).replaceAll("\\", "/");
      return { files: await directoryFiles(above), project, revision };
    }
  }
  return { files, project: "", revision };
}

async function hasLock(directory: string): Promise<boolean> {
  return (await readDirectory(directory)).some(({ name }) => isLockFile(name));
}

async function hasWorkspaces(directory: string): Promise<boolean> {
  if (await exists(joinPath(directory, "pnpm-workspace.yaml"))) return true;
  const path = joinPath(directory, "package.json");
  if (!await exists(path)) return false;
  const workspaces = jsonObject(new TextDecoder().decode(await readFile(path)))?.workspaces;
  return Array.isArray(workspaces) || isObject(workspaces);
}

async function revisionAbove(directory: string): Promise<string | undefined> {
  for (let at = directory, last = ""; at !== last; last = at, at = dirName(at)) {
    if (await exists(joinPath(at, ".git", "HEAD"))) return await gitRevision(await directoryFiles(at));
  }
  return undefined;
}
