import { streamOf } from "../io/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";
import type { TarNewEntry } from "../tar/mod.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** Reads the content of files. */
export interface FileContents {
  /** Reads a whole file, or returns `undefined` if there is none. */
  read(file: ProjectFile): Promise<Bytes | undefined>;
  /** Streams a file. */
  stream(file: ProjectFile): ByteStream;
}

/** Files and links with what is in them. A build may have 100,000, so no file has functions or a copy of its own. */
export interface FileSet {
  readonly files: readonly ProjectFile[];
  readonly contents: FileContents;
}

/** Files and links for a folder of the image, with their paths in it. */
export interface PlacedFiles extends FileSet {
  /** The folder, without `/` in front. */
  readonly folder: string;
}

/** Returns the content of files of a project, whose paths are relative to a folder of it. */
export function contentsIn(files: ProjectFiles, folder: string = ""): FileContents {
  const start = folder === "" ? "" : `${folder}/`;
  return { read: ({ path }) => files.read(start + path), stream: ({ path }) => files.stream(start + path) };
}

/** Returns the content of files that are read whole. */
export function wholeContents(read: (file: ProjectFile) => Promise<Bytes>): FileContents {
  return { read, stream: (file) => streamLater(() => read(file)) };
}

/** Streams what is read whole. */
function streamLater(read: () => Promise<Bytes>): ByteStream {
  let reader: ReadableStreamDefaultReader<Bytes> | undefined;
  return pullStream({
    start: async () => void (reader = streamOf(await read()).getReader()),
    read: async () => (await reader!.read()).value,
  });
}

/** A file with its path in the image. */
interface PlacedFile {
  readonly path: string;
  readonly file: ProjectFile;
  readonly contents: FileContents;
}

/** Files with fewer bytes are read whole, and before their turn. */
const SMALL = 256 * 1024;
/** How many small files are read ahead of their turn. */
const AHEAD = 16;

/**
 * The entries of a layer: the files in the order of their paths, each folder before what is in it, with the same owner,
 * modes and time, so that the same files give the same bytes.
 */
export async function* tarEntries(placed: readonly PlacedFiles[], mtime: number): AsyncGenerator<TarNewEntry> {
  const sorted = placed
    .flatMap(({ folder, files, contents }) =>
      files.map((file): PlacedFile => ({ path: `${folder}/${file.path}`, file, contents }))
    )
    .sort((a, b) => a.path < b.path ? -1 : 1);
  const ahead: Promise<Bytes | undefined>[] = [];
  let next = 0;
  let previous = "";
  try {
    for (const { path, file, contents } of sorted) {
      while (next < sorted.length && ahead.length < AHEAD) ahead.push(contentAhead(sorted[next++]));
      const content = await ahead.shift()!;
      for (const folder of newFolders(path, previous)) yield { path: folder, type: "directory", mode: 0o755, mtime };
      previous = path;
      if (file.type === "link") yield { path, type: "symlink", linkname: file.target, mode: 0o777, mtime };
      else {
        const mode = file.executable ? 0o755 : 0o644;
        yield { path, mode, mtime, size: file.size, content: content ?? (() => contents.stream(file)) };
      }
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** Starts to read a small file; what goes wrong is thrown when its turn comes. */
function contentAhead({ file, contents }: PlacedFile): Promise<Bytes | undefined> {
  const isRead = file.type === "file" && file.size < SMALL;
  const content = isRead ? contents.read(file) : Promise.resolve(undefined);
  content.catch(() => {});
  return content;
}

/** Returns the folders of a path that the path before it, in the order of paths, is not in. */
function newFolders(path: string, previous: string): string[] {
  const made: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const folder = path.slice(0, at + 1);
    if (!previous.startsWith(folder)) made.push(folder);
  }
  return made;
}
