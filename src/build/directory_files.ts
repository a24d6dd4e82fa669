import { FileError } from "../errors.ts";
import { fileFailure, missingIsUndefined } from "../io/mod.ts";
import {
  type Bytes,
  joinPath,
  lstat,
  openFile,
  pullStream,
  readDirectory,
  readFile,
  readLink,
  stat,
} from "../runtime/mod.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** How many files of a folder are looked at together. */
const TOGETHER = 32;

/**
 * Returns the files of a project in a directory. Links are reported and never followed, except the directory itself.
 *
 * @throws {FileError} if there is no such directory; a method that can't read a file throws one that names it.
 */
export async function directoryFiles(directory: string): Promise<ProjectFiles> {
  const { kind } = await reading(directory, stat(directory));
  if (kind !== "directory") throw new FileError(`${directory} is not a directory`, { errno: "ENOTDIR" });
  const pathOf = (path: string) => path === "" ? directory : joinPath(directory, path);
  const look = async (path: string, full: string): Promise<ProjectFile | undefined> => {
    // Another program may have removed it since the folder was listed, as Deno does in its cache.
    const found = await reading(full, lstat(full).catch(missingIsUndefined));
    if (found === undefined && path.includes("\ufffd")) {
      throw new FileError(`can't read ${full}: its name is not UTF-8`, { errno: "ENOENT", hint: "rename it" });
    }
    if (found === undefined) return undefined;
    const { kind, size, mode, mtimeMs, ctimeMs, ino } = found;
    const common = { path, size: 0, executable: false, target: undefined, version: undefined };
    if (kind === "directory") return { ...common, type: "directory" };
    if (kind === "symlink") {
      const target = await reading(full, readLink(full).catch(missingIsUndefined));
      return target === undefined ? undefined : { ...common, type: "link", target };
    }
    if (kind !== "file") return undefined; // sockets and devices are no part of a project
    // In a template, each number would be kept as text in a cache of V8 until the next collection of old objects.
    const version = JSON.stringify([mtimeMs, ctimeMs, ino]);
    return { ...common, type: "file", size, executable: (mode & 0o100) !== 0, version };
  };
  return {
    async read(path) {
      const full = pathOf(path);
      return await reading(full, readFile(full).catch(missingIsUndefined));
    },
    stream(path) {
      const full = pathOf(path);
      let reader: ReadableStreamDefaultReader<Bytes> | undefined;
      return pullStream({
        async start() {
          const file = await reading(full, openFile(full, { noFollow: true }));
          reader = file.stream({ closeWhenDone: true }).getReader();
        },
        read: async () => (await reading(full, reader!.read())).value,
        cancel: async (reason) => await reader?.cancel(reason),
      });
    },
    async list(folder) {
      const full = pathOf(folder);
      const entries = await reading(full, readDirectory(full).catch(missingIsUndefined)) ?? [];
      const start = folder === "" ? "" : `${folder}/`;
      const files: ProjectFile[] = [];
      for (let at = 0; at < entries.length; at += TOGETHER) {
        const found = entries.slice(at, at + TOGETHER).map(({ name }) => look(start + name, `${full}/${name}`));
        for (const file of await Promise.all(found)) if (file !== undefined) files.push(file);
      }
      return files;
    },
  };
}

async function reading<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw fileFailure(`can't read ${path}`, cause);
  }
}
