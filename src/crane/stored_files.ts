/** Content that a layer stores, under one name or several. */
export interface StoredFile {
  /** A name of it: one that shows, if any does. */
  readonly path: string;
  /** The number of bytes that the layer stores for it. */
  readonly size: number;
  /** How many of its names show. */
  readonly shown: number;
}

interface Name {
  readonly file: { path: string; readonly size: number; shown: number };
  readonly shows: boolean;
}

/** The files of one layer while it is read: content that has a name left that shows is in use, any other is wasted. */
export class StoredFiles {
  readonly #files = new Set<Name["file"]>();
  readonly #names = new Map<string, Name>();

  /** A name with content of its own; a name that was there already loses what it stood for. */
  add(path: string, size: number, shows: boolean): void {
    const file = { path, size, shown: 0 };
    this.#files.add(file);
    this.#bind(path, { file, shows });
  }

  /** Another name of content that is in this layer, or else in one below: then it stores nothing. */
  link(path: string, target: string | undefined, shows: boolean): void {
    const file = target === undefined ? undefined : this.#names.get(target)?.file;
    if (file === undefined) this.add(path, 0, shows);
    else this.#bind(path, { file, shows });
  }

  /** A directory took the name. */
  unlink(path: string): void {
    const name = this.#names.get(path);
    if (name === undefined) return;
    if (name.shows) name.file.shown--;
    this.#names.delete(path);
  }

  /** Gives all files and forgets them. */
  take(): readonly StoredFile[] {
    const files = [...this.#files];
    this.#files.clear();
    this.#names.clear();
    return files;
  }

  #bind(path: string, name: Name): void {
    const { file, shows } = name;
    // Counted before the old name goes: a link may name itself.
    if (shows && file.shown++ === 0) file.path = path;
    this.unlink(path);
    this.#names.set(path, name);
  }
}
