import { streamOf } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { compareTexts } from "./locks/fields.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** A file in memory: its content, or more about it. */
export type MemoryFile =
  | string
  | Uint8Array<ArrayBuffer>
  | {
    /** Its content. */
    readonly content: string | Uint8Array<ArrayBuffer>;
    /**
     * Whether its owner may run it.
     * @default false
     */
    readonly executable?: boolean;
  }
  | {
    /** Where a symbolic link leads, relative to the folder that it lies in. */
    readonly link: string;
  };

/** Returns the files of a project in memory, by their paths with `/`. Folders follow from the paths. */
export function memoryFiles(files: Readonly<Record<string, MemoryFile>>): ProjectFiles {
  const folders = new Map<string, Map<string, ProjectFile>>([["", new Map()]]);
  const contents = new Map<string, Bytes>();
  const add = (file: ProjectFile): void => {
    const parent = file.path.slice(0, Math.max(0, file.path.lastIndexOf("/")));
    if (!folders.has(parent)) {
      folders.set(parent, new Map());
      add({ path: parent, type: "directory", size: 0, executable: false });
    }
    folders.get(parent)!.set(file.path, file);
  };
  for (const [path, file] of Object.entries(files)) {
    if (typeof file === "object" && "link" in file) {
      add({ path, type: "link", size: 0, executable: false, target: file.link });
      continue;
    }
    const isPlain = typeof file === "string" || file instanceof Uint8Array;
    const content = isPlain ? file : file.content;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    contents.set(path, bytes);
    add({ path, type: "file", size: bytes.length, executable: !isPlain && (file.executable ?? false) });
  }
  return {
    read: (path) => Promise.resolve(contents.get(path)),
    stream: (path) => streamOf(contents.get(path) ?? new Uint8Array(0)),
    list: (folder) =>
      Promise.resolve([...folders.get(folder)?.values() ?? []].sort((a, b) => compareTexts(a.path, b.path))),
  };
}
