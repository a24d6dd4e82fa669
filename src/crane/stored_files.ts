/** File content in a layer, under one or more names. */
export interface StoredFile {
  /** One of its names, preferably a visible one. */
  readonly path: string;
  /** The number of bytes that the layer stores for it. */
  readonly size: number;
  /** The number of its visible names. */
  readonly shown: number;
}

interface Name {
  readonly file: { path: string; readonly size: number; shown: number };
  readonly shows: boolean;
}

/** The files of one layer while it is read. Content with a visible name is in use; other content is wasted. */
export class StoredFiles {
  readonly #files = new Set<Name["file"]>();
  readonly #names = new Map<string, Name>();

  /** Adds a name with its own content, which replaces the name's earlier content. */
  add(path: string, size: number, shows: boolean): void {
    const file = { path, size, shown: 0 };
    this.#files.add(file);
    this.#bind(path, { file, shows });
  }

  /** Adds a name for content that is in this layer, or in one below: then it stores nothing. */
  link(path: string, target: string | undefined, shows: boolean): void {
    const file = target === undefined ? undefined : this.#names.get(target)?.file;
    if (file === undefined) this.add(path, 0, shows);
    else this.#bind(path, { file, shows });
  }

  /** Removes a name that a directory has replaced. */
  unlink(path: string): void {
    const name = this.#names.get(path);
    if (name === undefined) return;
    if (name.shows) name.file.shown--;
    this.#names.delete(path);
  }

  /** Returns all files and clears the list. */
  take(): readonly StoredFile[] {
    const files = [...this.#files];
    this.#files.clear();
    this.#names.clear();
    return files;
  }

  #bind(path: string, name: Name): void {
    const { file, shows } = name;
    // Counts the new name before it removes the old one, since a link can be its own target.
    if (shows && file.shown++ === 0) file.path = path;
    this.unlink(path);
    this.#names.set(path, name);
  }
}
