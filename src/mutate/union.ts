import { cleanEntryPath, rewriteEntry, type TarEntry, type TarWriteEntry } from "../tar/mod.ts";
import { Cover } from "./cover.ts";
import { HardLinks } from "./hard_links.ts";
import { hardLinkLeavesRoot, symlinkLeavesRoot } from "./leaves_root.ts";
import { markOf } from "./marks.ts";

/**
 * Layers laid over one another (image-spec, "Applying Changesets"), entry by entry from the top layer down: what shows
 * of each is known at once, and nothing but names is kept.
 *
 * For each layer: {@linkcode show} for its entries, then {@linkcode endLayer}; then, if {@linkcode missed} says so, its
 * entries once more for {@linkcode showMissed}. After the last layer: {@linkcode dangling}.
 */
export class Union {
  readonly #cover = new Cover();
  readonly #links = new HardLinks();

  /** What is to be written for an entry of the current layer, if anything; its content is still to be read. */
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

  /** The current layer was read to its end: gives what of it had to wait. */
  endLayer(): Iterable<TarWriteEntry> {
    this.#cover.nextLayer();
    return this.#links.endLayer();
  }

  /** Whether the layer that ended has content that is to be read again. */
  get missed(): boolean {
    return this.#links.missed > 0;
  }

  /** What is to be written for an entry of the layer that is read again. */
  showMissed(entry: TarEntry): Iterable<TarWriteEntry> {
    return this.#links.placeMissed(entry);
  }

  /** Hard links to what no layer holds. */
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

/** The entry as it is where its names are these already, else with these names. */
function renamed(entry: TarEntry, path: string, linkname: string = entry.linkname): TarWriteEntry {
  if (entry.path === path && entry.linkname === linkname) return entry;
  return rewriteEntry(entry, entry.linkname === linkname ? { path } : { path, linkname });
}
