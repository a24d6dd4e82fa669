import { rewriteEntry, type TarEntry, type TarWriteEntry } from "../tar/mod.ts";
import { symlinkLeavesRoot } from "./leaves_root.ts";

/** A hard link that can't be written before its target. */
interface WaitingLink {
  readonly path: string;
  readonly entry: TarEntry;
}

/** The target of hard links: mostly a file, but any entry except a directory may have several names. */
interface Inode {
  /** Its place: the offset of its entry in the current layer, or a name in the layers below. */
  readonly at: number | string;
  /** Its target, if it is a symbolic link. */
  readonly symlink: string | undefined;
  /** A name that it has in the output. */
  name: string | undefined;
  /** Links that wait until it has one. */
  waiting: WaitingLink[] | undefined;
}

/**
 * Hard links of layers that come from the top down. A link is a name of the file that its own layer sees: one that the
 * layer holds itself, or else the nearest one below. Layers above may hide that file's own name, or put another file
 * there; then the first link that shows takes the file's place in the output, and the others link to it.
 */
export class HardLinks {
  /** What the names of the current layer stand for, hidden ones too, as far as it was read. */
  readonly #inodes = new Map<string, Inode>();
  /** Files of lower layers that the current one has links to. */
  readonly #below = new Map<string, Inode>();
  /** Those of both that links wait for. */
  readonly #wanted = new Set<Inode>();
  /** Links of the layers above that wait for a name of this layer or of one below it. */
  #open = new Map<string, WaitingLink[]>();
  /** Links that wait for an entry of the current layer that went by already. */
  #missed = new Map<number, WaitingLink[]>();

  /**
   * Takes an entry that is neither a directory nor a hard link. Returns the name to write it under: its own if it
   * shows, that of a link that waits for it, or none.
   */
  place(path: string, entry: TarEntry, shows: boolean): string | undefined {
    const symlink = entry.type === "symlink" ? entry.linkname : undefined;
    const inode: Inode = { at: entry.offset, symlink, name: undefined, waiting: undefined };
    const name = shows ? path : this.#open.get(path)?.find((link) => mayName(link.path, inode))?.path;
    this.#bind(path, inode, name);
    inode.name = name;
    return name;
  }

  /** Takes a hard link. Returns the name to link it to, or none if it does not show or has to wait. */
  link(path: string, entry: TarEntry, { target, shows }: { target: string; shows: boolean }): string | undefined {
    const inode = this.#inodes.get(target) ?? this.#fromBelow(target);
    this.#bind(path, inode, path);
    if (!shows || !mayName(path, inode)) return undefined;
    if (inode.name === undefined) this.#wait(inode, { path, entry });
    return inode.name;
  }

  /** Records that a directory replaced the entry of the current layer at a path. */
  unlink(path: string): void {
    this.#bind(path, undefined, path);
  }

  /**
   * Ends the current layer: yields the links that can be written now, all that remain of the last
   * layer included. If {@linkcode missed} is not 0, the layer is to be read again before the next one begins.
   */
  *endLayer(): Generator<TarWriteEntry, void, undefined> {
    const open = this.#open;
    this.#open = new Map();
    for (const [target, links] of open) {
      const inode = this.#inodes.get(target) ?? this.#fromBelow(target);
      for (const link of links) if (link.path !== inode.name && mayName(link.path, inode)) this.#wait(inode, link);
    }
    this.#missed = new Map();
    for (const { at, name, waiting = [] } of this.#wanted) {
      if (waiting.length === 0) continue; // other entries of the layer took the links' names
      if (name !== undefined) yield* waiting.map((link) => written(link, name));
      else if (typeof at === "string") this.#open.set(at, waiting);
      else this.#missed.set(at, waiting);
    }
    this.#inodes.clear();
    this.#below.clear();
    this.#wanted.clear();
  }

  /** The number of entries of the layer that ended that are to be read again; rarely any. */
  get missed(): number {
    return this.#missed.size;
  }

  /** Takes an entry of the layer that is read again, and yields the links that waited for it: the first is the file. */
  *placeMissed(entry: TarEntry): Generator<TarWriteEntry, void, undefined> {
    const [first, ...others] = this.#missed.get(entry.offset) ?? [];
    if (first === undefined) return;
    yield rewriteEntry(entry, { path: first.path });
    for (const other of others) yield written(other, first.path);
  }

  /** Yields the links whose target is in no layer, unchanged. */
  *dangling(): Generator<TarWriteEntry, void, undefined> {
    for (const [target, links] of this.#open) for (const link of links) yield written(link, target);
  }

  #fromBelow(target: string): Inode {
    let inode = this.#below.get(target);
    if (inode === undefined) {
      inode = { at: target, symlink: undefined, name: undefined, waiting: undefined };
      this.#below.set(target, inode);
    }
    return inode;
  }

  #wait(inode: Inode, link: WaitingLink): void {
    (inode.waiting ??= []).push(link);
    this.#wanted.add(inode);
  }

  /**
   * From here on, `path` stands for `inode`. A layer may hold a name twice: what had it loses it, and the name in the
   * output too if that is written over.
   */
  #bind(path: string, inode: Inode | undefined, written: string | undefined): void {
    const before = this.#inodes.get(path);
    if (before !== undefined) {
      if (before.name === written) before.name = undefined;
      before.waiting = before.waiting?.filter((link) => link.path !== path);
    }
    if (inode !== undefined) this.#inodes.set(path, inode);
    else if (before !== undefined) this.#inodes.delete(path);
  }
}

/** Returns whether a link may be another name of an inode: a symbolic link may lead out of the root from there. */
function mayName(path: string, { symlink }: Inode): boolean {
  return symlink === undefined || !symlinkLeavesRoot(path, symlink);
}

function written({ path, entry }: WaitingLink, target: string): TarWriteEntry {
  return rewriteEntry(entry, { path, linkname: target });
}
