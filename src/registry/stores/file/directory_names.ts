import { missingIsUndefined } from "../../../io/mod.ts";
import { type DirectoryEntry, type FileStat, readUnsortedDirectory, stat } from "../../../runtime/mod.ts";
import type { FileNames } from "./file_names.ts";
import { SETTLED_AGE } from "./verified_files.ts";

/** The most names that are remembered, of all directories together. */
const CAPACITY = 500_000;
/** Directories with fewer names are read again each time. */
const WORTH = 64;

/** The sorted names in a directory; those of directories end with `/`. */
type Names = readonly string[];

interface KnownDirectory {
  readonly identity: string;
  readonly names: Promise<Names>;
  size: number;
}

/**
 * Lists the names in directories of records in the order of their code units. The names of a large directory are
 * remembered for as long as the time of its last change stays, so that the pages of its list cost one reading of it.
 */
export class DirectoryNames {
  readonly #fileNames: FileNames;
  readonly #known = new Map<string, KnownDirectory>();
  #size = 0;

  /** Creates lists of the segments that files stand for. */
  constructor(fileNames: FileNames) {
    this.#fileNames = fileNames;
  }

  /** Lists the files and directories whose names are segments of keys; none if there is no such directory. */
  async in(directory: string): Promise<Names> {
    const found = await stat(directory).catch(missingIsUndefined);
    if (found === undefined) return [];
    const identity = identityOf(found);
    const known = this.#known.get(directory);
    if (known?.identity === identity) {
      this.#known.delete(directory);
      this.#known.set(directory, known); // the newest
      return await known.names;
    }
    const names = readNames(directory, this.#fileNames);
    // After a change a moment ago, another one might not show in the time.
    if (Date.now() - found.mtimeMs > SETTLED_AGE) this.#remember(directory, { identity, names, size: 0 });
    else this.forget(directory);
    return await names;
  }

  /** Forgets the names in a directory, which the caller changes: not every file system gives it another time then. */
  forget(directory: string): void {
    this.#size -= this.#known.get(directory)?.size ?? 0;
    this.#known.delete(directory);
  }

  #remember(directory: string, entry: KnownDirectory): void {
    this.forget(directory);
    this.#known.set(directory, entry);
    const isStill = () => this.#known.get(directory) === entry;
    entry.names.then((names) => {
      if (!isStill()) return;
      if (names.length < WORTH || names.length > CAPACITY) return this.forget(directory);
      entry.size = names.length;
      this.#size += entry.size;
      while (this.#size > CAPACITY) this.forget(this.#known.keys().next().value!);
    }, () => isStill() && this.forget(directory));
  }
}

async function readNames(directory: string, fileNames: FileNames): Promise<Names> {
  const entries: DirectoryEntry[] = await readUnsortedDirectory(directory).catch(missingIsUndefined) ?? [];
  const names: string[] = [];
  for (const { name, kind } of entries) {
    const segment = fileNames.segmentOf(name);
    if (segment === undefined) continue;
    if (kind === "file") names.push(segment);
    else if (kind === "directory") names.push(`${segment}/`);
  }
  return names.sort();
}

function identityOf({ dev, ino, mtimeMs }: FileStat): string {
  return `${dev} ${ino} ${mtimeMs}`;
}
