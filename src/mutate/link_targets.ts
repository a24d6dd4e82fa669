import { rewriteEntry, type TarEntry, type TarWriteEntry } from "../tar/mod.ts";

/** A hard link that waits for the file that it is a name of. */
interface Waiting {
  readonly path: string;
  readonly entry: TarEntry;
}

/**
 * Hard links whose target can't simply be named. A link is a name of the file that its own layer sees: a file of the
 * same layer, or else of the nearest layer below. An upper layer may hide that file's own name, or put another file
 * there; then the link carries the content itself.
 */
export class LinkTargets {
  /** Files of the current layer that were written. */
  readonly #shown = new Set<string>();
  /** Files of the current layer that an upper layer hides. */
  readonly #hidden = new Set<string>();
  /** Links of the current layer that an upper layer hides, and what they are names of. */
  readonly #hiddenLinks = new Map<string, string>();
  /** Links of this layer whose target this layer holds, hidden. */
  #secondPass = new Map<string, Waiting[]>();
  /** Links of this layer whose target must come from below. */
  #fromBelow = new Map<string, Waiting[]>();
  /** Links of the layers above that wait for a file. */
  #waiting = new Map<string, Waiting[]>();

  /** Takes a link that must wait; `false` when its target was written already and the link can follow at once. */
  defer(path: string, target: string, entry: TarEntry): boolean {
    const file = this.#hiddenLinks.get(target) ?? target;
    if (file === target && this.#shown.has(target)) {
      this.#shown.add(path);
      return false;
    }
    const list = this.#hidden.has(file) ? this.#secondPass : this.#fromBelow;
    list.set(file, [...list.get(file) ?? [], { path, entry }]);
    return true;
  }

  /** Notes a link that an upper layer hides: other links may name it. */
  hideLink(path: string, target: string): void {
    this.#hiddenLinks.set(path, this.#hiddenLinks.get(target) ?? target);
  }

  /** A file was written under its own name: the links that waited for it follow. */
  *resolveShown(path: string): Generator<TarWriteEntry, void, undefined> {
    this.#shown.add(path);
    const links = this.#waiting.get(path);
    if (!links) return;
    this.#waiting.delete(path);
    for (const link of links) yield linkTo(link, path);
  }

  /** A file is hidden: the first of the links that waited for it becomes the file, the others links to that. */
  *resolveHidden(path: string, entry: TarEntry): Generator<TarWriteEntry, void, undefined> {
    this.#hidden.add(path);
    yield* take(this.#waiting, path, entry);
  }

  /** Whether the current layer must be read again. */
  needsSecondPass(): boolean {
    return this.#secondPass.size > 0;
  }

  /** The second reading came to a file. */
  *resolveSecondPass(path: string, entry: TarEntry): Generator<TarWriteEntry, void, undefined> {
    yield* take(this.#secondPass, path, entry);
  }

  /** The current layer is done: its open links wait for the layers below. */
  nextLayer(): void {
    for (const [target, links] of this.#fromBelow) {
      this.#waiting.set(target, [...this.#waiting.get(target) ?? [], ...links]);
    }
    this.#fromBelow = new Map();
    this.#secondPass = new Map();
    this.#shown.clear();
    this.#hidden.clear();
    this.#hiddenLinks.clear();
  }

  /** Links whose target no layer holds: they are passed on as they are. */
  *unresolved(): Generator<TarWriteEntry, void, undefined> {
    for (const [target, links] of this.#waiting) for (const link of links) yield linkTo(link, target);
  }
}

function* take(
  lists: Map<string, Waiting[]>,
  path: string,
  entry: TarEntry,
): Generator<TarWriteEntry, void, undefined> {
  const links = lists.get(path);
  if (!links) return;
  lists.delete(path);
  const [first, ...others] = links;
  yield rewriteEntry(entry, { path: first.path });
  for (const other of others) yield linkTo(other, first.path);
}

function linkTo({ path, entry }: Waiting, target: string): TarWriteEntry {
  return rewriteEntry(entry, { path, linkname: target });
}
