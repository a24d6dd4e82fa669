import { BoundedMap, KeyedMutex, missingIsUndefined } from "../../../io/mod.ts";
import {
  appendFile,
  type DirectoryEntry,
  type FileStat,
  joinPath,
  lstat,
  mayWrite,
  readUnsortedDirectory,
  remove,
  stat,
} from "../../../runtime/mod.ts";
import { positionAfter } from "../store_key.ts";
import type { FileNames } from "./file_names.ts";
import { SETTLED_AGE } from "./verified_files.ts";

/** The most names that are remembered, of all directories together. */
const CAPACITY = 500_000;
/** Directories with fewer names are read again each time. */
const WORTH = 64;
/** Directories with fewer names have no count of their changes. */
const WORTH_COUNT = 1_000;
/** The size of a directory itself from which on it may have so many names. */
const LARGE = 16 * 1024;
/** The file that has a byte for each change; no segment begins with a dot. */
const COUNT_FILE = ".changes";
const ONE = new Uint8Array(1);
/** The most changed names that are looked up one by one. */
const MOST_CHANGED = 200;
/** How long names are remembered that a change of another program, in the same tick of the clock, may not show in. */
const UNSURE_MS = 60_000;
/** The most directories whose count is known to be needed. */
const MOST_COUNTED = 10_000;

/** The sorted names in a directory; those of directories end with `/`. */
type Names = readonly string[];

interface KnownDirectory {
  /** The directory in the state that the names are of. */
  identity: string;
  /** The size of the file of changes in that state, if there is one. */
  count: number | undefined;
  names: Promise<Names>;
  size: number;
  /** The files and directories that may have come or gone since. */
  readonly changed: Set<string>;
  /** The time from which on the names are read again. */
  until: number;
}

/**
 * Lists the names in directories of records in the order of their code units. The names of a large directory are
 * remembered for as long as it does not change, so that the pages of its list cost one reading of it.
 *
 * The time of a directory shows a change, but not a second one in the same tick of the clock. So a directory of many
 * names has a file to which each server appends a byte after a change. A server that reads the size of this file before
 * the names has each change in the names, or sees the file grow. After a change of its own, which makes the file grow by
 * one, it looks up the changed name alone. Changes of other programs, and of a server that was killed before it appended,
 * show in the time; one during a server's own change, or in the same tick, shows a minute later. The file only grows: a
 * million changes take a megabyte.
 */
export class DirectoryNames {
  readonly #fileNames: FileNames;
  readonly #known = new Map<string, KnownDirectory>();
  readonly #counted = new BoundedMap<string, true>(MOST_COUNTED);
  /** How many changes of a directory are under way, during which its time is not compared. */
  readonly #changing = new Map<string, number>();
  /** For each directory, lets nothing come between the size of its file of changes and what is known of it. */
  readonly #turns = new KeyedMutex();
  #size = 0;

  /** Creates lists of the segments that files stand for. */
  constructor(fileNames: FileNames) {
    this.#fileNames = fileNames;
  }

  /** Lists the files and directories whose names are segments of keys; none if there is no such directory. */
  async in(directory: string): Promise<Names> {
    const known = await this.#turns.run(
      directory,
      async () => await this.#stillKnown(directory) ?? await this.#read(directory),
    );
    if (known === undefined) return [];
    if (known.changed.size > 0) {
      const changed = [...known.changed];
      known.changed.clear();
      known.names = this.#edited(directory, known.names, changed);
      known.names.catch(() => this.#known.get(directory) === known && this.#forget(directory));
    }
    return await known.names;
  }

  /** Runs a change of one file in a directory, which lists show afterwards. */
  async change<T>(directory: string, file: string, work: () => Promise<T>): Promise<T> {
    // A change of another program before this one shows now.
    if (this.#known.has(directory)) await this.#turns.run(directory, () => this.#stillKnown(directory));
    this.#changing.set(directory, (this.#changing.get(directory) ?? 0) + 1);
    try {
      return await work();
    } finally {
      await this.#changed(directory, file);
      const others = this.#changing.get(directory)! - 1;
      if (others > 0) this.#changing.set(directory, others);
      else this.#changing.delete(directory);
    }
  }

  /** Notes that a file or directory may have come into a directory or gone. */
  async #changed(directory: string, file: string): Promise<void> {
    await this.#turns.run(directory, async () => {
      const count = await this.#append(directory);
      const known = this.#known.get(directory);
      if (known === undefined) return;
      const found = await stat(directory).catch(() => undefined);
      const isCounted = known.count !== undefined && count === known.count + 1;
      if (!isCounted || found === undefined || known.changed.size === MOST_CHANGED) return this.#forget(directory);
      known.count = count;
      known.identity = identityOf(found);
      known.changed.add(file);
      known.until = Math.min(known.until, Date.now() + UNSURE_MS);
    });
  }

  /** Forgets the names in a directory. */
  #forget(directory: string): void {
    this.#size -= this.#known.get(directory)?.size ?? 0;
    this.#known.delete(directory);
  }

  /** Appends a byte to the file of changes, if there is one, and returns its size. */
  async #append(directory: string): Promise<number | undefined> {
    const path = joinPath(directory, COUNT_FILE);
    try {
      return await appendFile(path, ONE);
    } catch {
      // On a full disk, for example. Without the file, each server reads the names again.
      await remove(path).catch(() => {});
      return undefined;
    }
  }

  /** Returns what is known of a directory, if it is as it was. */
  async #stillKnown(directory: string): Promise<KnownDirectory | undefined> {
    const known = this.#known.get(directory);
    if (known === undefined) return undefined;
    const [found, count] = await Promise.all([
      stat(directory).catch(missingIsUndefined),
      known.count === undefined ? undefined : sizeOf(joinPath(directory, COUNT_FILE)),
    ]);
    if (this.#known.get(directory) !== known) return undefined;
    const isSame = found !== undefined && (identityOf(found) === known.identity || this.#changing.has(directory));
    if (!isSame || count !== known.count || Date.now() >= known.until) {
      this.#forget(directory);
      return undefined;
    }
    this.#known.delete(directory);
    this.#known.set(directory, known); // the newest
    return known;
  }

  /** Begins to read the names in a directory, if there is one. */
  async #read(directory: string): Promise<KnownDirectory | undefined> {
    let found = await stat(directory).catch(missingIsUndefined);
    let count: number | undefined;
    const file = joinPath(directory, COUNT_FILE);
    if (found !== undefined && (found.size >= LARGE || this.#counted.has(directory)) && mayWrite(file)) {
      // It has to be there before the names are read.
      count = await appendFile(file, new Uint8Array(0), { create: true }).catch(() => undefined);
      found = await stat(directory).catch(missingIsUndefined);
    }
    if (found === undefined) return undefined;
    const names = readNames(directory, this.#fileNames);
    // After a change a moment ago, another one might not show in the time.
    const isSettled = Date.now() - found.mtimeMs > SETTLED_AGE;
    const until = isSettled ? Infinity : Date.now() + UNSURE_MS;
    const known = { identity: identityOf(found), count, names, size: 0, changed: new Set<string>(), until };
    if (isSettled || count !== undefined) this.#remember(directory, known);
    names.then(({ length }) => length >= WORTH_COUNT && this.#counted.set(directory, true), () => {});
    return known;
  }

  #remember(directory: string, entry: KnownDirectory): void {
    this.#known.set(directory, entry);
    const isStill = () => this.#known.get(directory) === entry;
    entry.names.then((names) => {
      if (!isStill()) return;
      if (names.length < WORTH || names.length > CAPACITY) return this.#forget(directory);
      entry.size = names.length;
      this.#size += entry.size;
      while (this.#size > CAPACITY) this.#forget(this.#known.keys().next().value!);
    }, () => isStill() && this.#forget(directory));
  }

  /** Looks up changed files, and returns a list in which they are as they are in the directory. */
  async #edited(directory: string, before: Promise<Names>, changed: readonly string[]): Promise<Names> {
    const kinds = await Promise.all(changed.map(async (file) => {
      return (await lstat(joinPath(directory, file)).catch(missingIsUndefined))?.kind;
    }));
    const names = [...await before];
    for (const [at, file] of changed.entries()) {
      const segment = this.#fileNames.segmentOf(file);
      if (segment === undefined) continue;
      setListed(names, segment, kinds[at] === "file");
      setListed(names, `${segment}/`, kinds[at] === "directory");
    }
    return names;
  }
}

/** Puts a name into a sorted list, or removes it. */
function setListed(names: string[], name: string, isThere: boolean): void {
  const behind = positionAfter(names, name);
  const isListed = names[behind - 1] === name;
  if (isThere && !isListed) names.splice(behind, 0, name);
  if (!isThere && isListed) names.splice(behind - 1, 1);
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

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(missingIsUndefined))?.size;
}

function identityOf({ dev, ino, mtimeMs }: FileStat): string {
  return `${dev} ${ino} ${mtimeMs}`;
}
