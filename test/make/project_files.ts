import type { ProjectFile, ProjectFiles } from "../../src/build/project_files.ts";
import { streamOf } from "../../src/io/mod.ts";
import { utf8 } from "./bytes.ts";

/** A project in memory: files by their paths, as texts, bytes, or values that become JSON. */
export function projectFiles(contents: Readonly<Record<string, unknown>>): ProjectFiles {
  const files = new Map(Object.entries(contents).map(([path, content]) => [path, bytesOf(content)]));
  const read = (path: string) => Promise.resolve(files.get(path));
  return {
    read,
    stream: (path) => streamOf(files.get(path)!),
    list: (folder) => {
      const found = new Map<string, ProjectFile>();
      for (const [path, bytes] of files) {
        if (folder !== "" && !path.startsWith(`${folder}/`)) continue;
        const [name, ...rest] = path.slice(folder === "" ? 0 : folder.length + 1).split("/");
        const own = folder === "" ? name : `${folder}/${name}`;
        const isFile = rest.length === 0;
        found.set(own, {
          path: own,
          type: isFile ? "file" : "directory",
          size: isFile ? bytes.length : 0,
          executable: false,
        });
      }
      return Promise.resolve([...found.values()].sort((a, b) => a.path < b.path ? -1 : 1));
    },
  };
}

function bytesOf(content: unknown): Uint8Array<ArrayBuffer> {
  if (content instanceof Uint8Array) return content as Uint8Array<ArrayBuffer>;
  return utf8(typeof content === "string" ? content : JSON.stringify(content));
}
