import { digestBytes, streamOf } from "../io/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";
import type { TarNewEntry } from "../tar/mod.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** A file or a link for an image, and how its content is read. */
export interface ImageFile {
  /** Its path in the image, without `/` in front. */
  readonly path: string;
  readonly type: "file" | "link";
  /** In bytes; 0 for a link. */
  readonly size: number;
  readonly executable: boolean;
  /** Where a link leads, as it is written in it. */
  readonly target?: string;
  /** Reads the whole content. */
  read(): Promise<Bytes>;
  /** Streams the content. */
  stream(): ByteStream;
  /** A word that stands for the content; `undefined` if it has none that is cheaper than its bytes. */
  version(): Promise<string | undefined>;
}

/** Returns a file of a project as one of the image, below a folder of it. */
export function imageFile(file: ProjectFile, files: ProjectFiles, path: string): ImageFile {
  return {
    path,
    type: file.type === "link" ? "link" : "file",
    size: file.size,
    executable: file.executable,
    target: file.target,
    read: async () => await files.read(file.path) ?? new Uint8Array(0),
    stream: () => files.stream(file.path),
    version: async () => await files.version?.(file.path),
  };
}

/** Returns a file that is read whole. Its version is the digest of its bytes. */
export function fileInMemory(path: string, size: number, read: () => Promise<Bytes>): ImageFile {
  return {
    path,
    type: "file",
    size,
    executable: false,
    read,
    stream: () => streamLater(read),
    version: async () => await digestBytes(await read()),
  };
}

/** Streams what is read whole. */
export function streamLater(read: () => Promise<Bytes>): ByteStream {
  let reader: ReadableStreamDefaultReader<Bytes> | undefined;
  return pullStream({
    start: async () => void (reader = streamOf(await read()).getReader()),
    read: async () => (await reader!.read()).value,
  });
}

/** Returns a symbolic link of the image. */
export function imageLink(path: string, target: string): ImageFile {
  const nothing = new Uint8Array(0);
  return {
    path,
    type: "link",
    size: 0,
    executable: false,
    target,
    read: () => Promise.resolve(nothing),
    stream: () => streamOf(nothing),
    version: () => Promise.resolve(""),
  };
}

/** Files with fewer bytes are read whole, and before their turn. */
const SMALL = 256 * 1024;
/** How many small files are read ahead of their turn. */
const AHEAD = 16;

/**
 * The entries of a layer: the files in the order of their paths, each folder before what is in it, with the same owner,
 * modes and time, so that the same files give the same bytes.
 */
export async function* tarEntries(files: readonly ImageFile[], mtime: number): AsyncGenerator<TarNewEntry> {
  const sorted = [...files].sort((a, b) => a.path < b.path ? -1 : 1);
  const folders = new Set<string>();
  const ahead: Promise<Bytes | undefined>[] = [];
  let next = 0;
  try {
    for (const file of sorted) {
      while (next < sorted.length && ahead.length < AHEAD) ahead.push(contentAhead(sorted[next++]));
      const content = await ahead.shift()!;
      for (const folder of newFolders(file.path, folders)) {
        yield { path: `${folder}/`, type: "directory", mode: 0o755, mtime };
      }
      if (file.type === "link") yield { path: file.path, type: "symlink", linkname: file.target, mode: 0o777, mtime };
      else {
        const mode = file.executable ? 0o755 : 0o644;
        yield { path: file.path, mode, mtime, size: file.size, content: content ?? (() => file.stream()) };
      }
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** Starts to read a small file; what goes wrong is thrown when its turn comes. */
function contentAhead(file: ImageFile): Promise<Bytes | undefined> {
  const content = file.type === "file" && file.size < SMALL ? file.read() : Promise.resolve(undefined);
  content.catch(() => {});
  return content;
}

function newFolders(path: string, seen: Set<string>): string[] {
  const made: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const folder = path.slice(0, at);
    if (seen.has(folder)) continue;
    seen.add(folder);
    made.push(folder);
  }
  return made;
}
