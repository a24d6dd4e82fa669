import type { Bytes } from "../runtime/mod.ts";
import type { TarNewEntry } from "../tar/mod.ts";
import type { FileFacts, FileSet } from "./file_set.ts";
import { compareTexts } from "./locks/fields.ts";
import type { ProjectFile } from "./project_files.ts";

/** Files and links for a folder of the image, with their paths in it. */
export interface PlacedFiles extends FileSet {
  /** The folder, without `/` in front. */
  readonly folder: string;
  /** What is known of them. */
  readonly facts: FileFacts;
}

/** A file of a set with its path in the image. */
interface PlacedFile {
  readonly path: string;
  readonly file: ProjectFile;
  readonly set: FileSet;
}

/** Files with fewer bytes are read whole, and before their turn. */
const SMALL = 256 * 1024;
/** How many small files are read ahead of their turn. */
const AHEAD = 16;

/**
 * The entries of a layer: the files in the order of their paths, each folder before what is in it, with the same owner,
 * modes and time, so that the same files give the same bytes.
 */
export async function* tarEntries(sets: readonly PlacedFiles[], mtime: number): AsyncGenerator<TarNewEntry> {
  const files = merged(sets);
  const ahead: { placed: PlacedFile; content: Promise<Bytes | undefined> }[] = [];
  let previous = "";
  try {
    for (let isListed = false;;) {
      while (!isListed && ahead.length < AHEAD) {
        const { value: placed } = await files.next();
        isListed = placed === undefined;
        if (placed) ahead.push({ placed, content: contentAhead(placed) });
      }
      const next = ahead.shift();
      if (next === undefined) return;
      const { path, file, set } = next.placed;
      const content = await next.content;
      for (const folder of newFolders(path, previous)) yield { path: folder, type: "directory", mode: 0o755, mtime };
      previous = path;
      if (file.type === "link") yield { path, type: "symlink", linkname: file.target, mode: 0o777, mtime };
      else {
        const mode = file.executable ? 0o755 : 0o644;
        yield { path, mode, mtime, size: file.size, content: content ?? (() => set.contents.stream(file)) };
      }
    }
  } finally {
    await Promise.allSettled(ahead.map(({ content }) => content));
  }
}

/** Merges sets in the order of paths. A set is opened when its folder has its turn: few are open at a time. */
async function* merged(sets: readonly PlacedFiles[]): AsyncGenerator<PlacedFile, undefined> {
  const closed = sets.map((set) => ({ set, start: `${set.folder}/` })).sort((a, b) => compareTexts(a.start, b.start));
  const open: { next: PlacedFile; advance: () => Promise<PlacedFile | undefined> }[] = [];
  for (;;) {
    open.sort((a, b) => compareTexts(a.next.path, b.next.path));
    const first = open.at(0);
    if (closed.length > 0 && (first === undefined || closed[0].start < first.next.path)) {
      const files = placedFiles(closed.shift()!.set);
      const advance = async () => (await files.next()).value ?? undefined;
      const next = await advance();
      if (next !== undefined) open.push({ next, advance });
      continue;
    }
    if (first === undefined) return;
    yield first.next;
    const next = await first.advance();
    if (next === undefined) open.shift();
    else first.next = next;
  }
}

async function* placedFiles(set: PlacedFiles): AsyncGenerator<PlacedFile, undefined> {
  for await (const file of set.list()) yield { path: `${set.folder}/${file.path}`, file, set };
}

/** Starts to read a small file; what goes wrong is thrown when its turn comes. */
function contentAhead({ file, set }: PlacedFile): Promise<Bytes | undefined> {
  const isRead = file.type === "file" && file.size < SMALL;
  const content = isRead ? set.contents.read(file) : Promise.resolve(undefined);
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
