import { cleanEntryPath, rewriteEntry, type TarEntry, type TarWriteEntry } from "../tar/mod.ts";
import { Cover } from "./cover.ts";
import { HardLinks } from "./hard_links.ts";
import { hardLinkLeavesRoot, symlinkLeavesRoot } from "./leaves_root.ts";
import { markOf } from "./marks.ts";

/**
 * Merges layers (image-spec, "Applying Changesets"), entry by entry from the top layer down: whether an entry shows
 * is known at once, and only names are kept.
 *
 * For each layer: {@linkcode show} for its entries, then {@linkcode endLayer}; then, if {@linkcode missed}, its
 * entries once more for {@linkcode showMissed}. After the last layer: {@linkcode dangling}.
 */
export class Union {
  readonly #cover = new Cover();
  readonly #links = new HardLinks();

  /** Returns the entry to write for one of the current layer, if any; its content is still to be read. */
  show(entry: TarEntry): TarWriteEntry | undefined {
    const path = cleanEntryPath(entry.path);
    const mark = markOf(path);
    switch (mark.kind) {
      case "whiteout":
        this.#cover.addWhiteout(mark.path);
        return undefined;
      case "opaque":
        this.#cover.addOpaque(mark.path);
        return undefined;
      case "bookkeeping":
        return this.#showNonDirectory(path, entry, false);
      case "entry":
        return entry.type === "directory" ? this.#showDirectory(path, entry) : this.#showEntry(path, entry);
    }
  }

  /** Ends the current layer: returns its entries that had to wait. */
  endLayer(): Iterable<TarWriteEntry> {
    this.#cover.nextLayer();
    return this.#links.endLayer();
  }

  /** Whether the layer that ended is to be read again. */
  get missed(): boolean {
    return this.#links.missed > 0;
  }

  /** Returns the entries to write for one of the layer that is read again. */
  showMissed(entry: TarEntry): Iterable<TarWriteEntry> {
    return this.#links.placeMissed(entry);
  }

  /** Returns the hard links whose target is in no layer. */
  dangling(): Iterable<TarWriteEntry> {
    return this.#links.dangling();
  }

  #showDirectory(path: string, entry: TarEntry): TarWriteEntry | undefined {
    this.#links.unlink(path);
    return this.#cover.add(path, "directory") ? renamed(entry, `${path || "."}/`) : undefined;
  }

  #showEntry(path: string, entry: TarEntry): TarWriteEntry | undefined {
    if (path === "") return undefined; // the root is a directory
    return this.#showNonDirectory(path, entry, this.#cover.add(path, "nonDirectory"));
  }

  #showNonDirectory(path: string, entry: TarEntry, shows: boolean): TarWriteEntry | undefined {
    if (entry.type === "link") {
      if (hardLinkLeavesRoot(entry.linkname)) return undefined;
      const target = this.#links.link(path, entry, { target: cleanEntryPath(entry.linkname), shows });
      return target === undefined ? undefined : renamed(entry, path, target);
    }
    const stays = entry.type !== "symlink" || !symlinkLeavesRoot(path, entry.linkname);
    const name = this.#links.place(path, entry, shows && stays);
    return name === undefined ? undefined : renamed(entry, name);
  }
}

/** Renames an entry; returns it unchanged if it has these names. */
function renamed(entry: TarEntry, path: string, linkname: string = entry.linkname): TarWriteEntry {
  if (entry.path === path && entry.linkname === linkname) return entry;
  return rewriteEntry(entry, entry.linkname === linkname ? { path } : { path, linkname });
}
