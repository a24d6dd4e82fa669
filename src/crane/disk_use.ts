import { checkView } from "../image/internal.ts";
import type { Image } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { Cover, type Mark } from "../mutate/internal.ts";
import { type Hash, isConfig } from "../spec/mod.ts";
import type { TarEntry } from "../tar/mod.ts";
import { commandsOf } from "./layer_commands.ts";
import { StoredFiles } from "./stored_files.ts";
import { type LayerVisitor, linkTarget, visitLayers } from "./visit_layers.ts";

/** Bytes of uncompressed file content. A file with several names in a layer counts once. */
export interface SpaceUse {
  /** The bytes that are visible in the image. */
  readonly used: number;
  /** The bytes of files that a later layer hides or overwrites. */
  readonly wasted: number;
}

/** The disk use of a layer. */
export interface LayerUse extends SpaceUse {
  /** The digest of the layer as it is stored. */
  readonly digest: Hash;
  /** The size of the stored layer in bytes, which is usually compressed. */
  readonly size: number;
  /** The command that created it, if the config's history gives it. */
  readonly createdBy?: string;
}

/** The disk use of a directory with all its content. */
export interface DirectoryUse extends SpaceUse {
  /** The absolute path: `/`, `/usr`, `/usr/lib`. */
  readonly path: string;
}

/** A file that a later layer hides or overwrites. */
export interface WastedFile {
  /** Its absolute path. */
  readonly path: string;
  /** The bytes of its content. */
  readonly size: number;
  /** The position of its layer; the bottom one is 0. */
  readonly layer: number;
}

/** The disk use of an image. */
export interface DiskUse extends SpaceUse {
  /** The total size of the stored layers in bytes. */
  readonly size: number;
  /** The layers, the bottom one first. */
  readonly layers: readonly LayerUse[];
  /** The largest directories by used and wasted bytes together, in descending order. */
  readonly directories: readonly DirectoryUse[];
  /** The largest wasted files, in descending order. */
  readonly wastedFiles: readonly WastedFile[];
}

/** Options of {@linkcode diskUse}. */
export interface DiskUseOptions extends AbortOptions {
  /**
   * The number of directories and of wasted files to list.
   *
   * @default 10
   */
  top?: number;
  /**
   * The depth of the listed directories; deeper ones count for their parent at that depth. 0 is only the root.
   *
   * @default 2
   */
  depth?: number;
}

/**
 * Measures the disk use of an image by layer and by directory, and the part of it that is wasted: files of a layer that
 * are hidden or overwritten by one above. Reads each layer once; only names are kept in memory.
 */
export async function diskUse(image: Image, options: DiskUseOptions = {}): Promise<DiskUse> {
  checkView(image, "image");
  const { signal, top = 10, depth = 2 } = options;
  const manifest = await image.manifest({ signal });
  const read = isConfig(manifest.config.mediaType) ? await image.configFile({ signal }) : undefined;
  const createdBy = read ? commandsOf(read, manifest.layers.length) : [];
  const layers = await image.layers({ signal });
  const visitor = new DiskUseVisitor(layers.length, { top, depth });
  await visitLayers(layers, visitor, { signal });
  const uses = manifest.layers.map(({ digest, size }, i): LayerUse => ({
    digest,
    size,
    ...visitor.layers[i],
    ...(createdBy[i] ? { createdBy: createdBy[i] } : {}),
  }));
  const sum = (field: "size" | "used" | "wasted") => uses.reduce((total, use) => total + use[field], 0);
  return {
    size: sum("size"),
    used: sum("used"),
    wasted: sum("wasted"),
    layers: uses,
    directories: visitor.directories(),
    wastedFiles: visitor.wastedFiles,
  };
}

/** Sums up the content of layers. */
class DiskUseVisitor implements LayerVisitor {
  /** The use of each layer, the bottom one first. */
  readonly layers: { used: number; wasted: number }[];
  /** The largest wasted files. */
  wastedFiles: WastedFile[] = [];
  readonly #cover = new Cover();
  readonly #files = new StoredFiles();
  readonly #directories = new Map<string, { used: number; wasted: number }>();
  readonly #top: number;
  readonly #depth: number;
  #layer: number;

  constructor(count: number, { top, depth }: { top: number; depth: number }) {
    this.layers = Array.from({ length: count }, () => ({ used: 0, wasted: 0 }));
    this.#layer = count - 1;
    this.#top = top;
    this.#depth = depth;
  }

  visit(entry: TarEntry, path: string, mark: Mark): void {
    switch (mark.kind) {
      case "whiteout":
        return this.#cover.addWhiteout(mark.path);
      case "opaque":
        return this.#cover.addOpaque(mark.path);
      case "bookkeeping":
        return this.#visitFile(entry, path, false);
      case "entry":
        if (entry.type === "directory") {
          this.#cover.add(path, "directory");
          this.#files.unlink(path);
        } else if (path !== "") {
          this.#visitFile(entry, path, this.#cover.add(path, "nonDirectory"));
        }
    }
  }

  endLayer(): void {
    for (const { path, size, shown } of this.#files.take()) {
      if (size === 0) continue;
      const kind = shown > 0 ? "used" : "wasted";
      this.layers[this.#layer][kind] += size;
      for (const directory of this.#directoriesOf(path)) this.#useOf(directory)[kind] += size;
      if (kind === "wasted") this.#addWasted({ path: `/${path}`, size, layer: this.#layer });
    }
    this.wastedFiles = this.#largestWasted();
    this.#cover.nextLayer();
    this.#layer--;
  }

  /** Returns the largest directories. */
  directories(): DirectoryUse[] {
    return Array.from(this.#directories, ([path, use]) => ({ path, ...use }))
      .sort((a, b) => b.used + b.wasted - a.used - a.wasted || (a.path < b.path ? -1 : 1))
      .slice(0, this.#top);
  }

  #visitFile(entry: TarEntry, path: string, shows: boolean): void {
    if (entry.type === "link") this.#files.link(path, linkTarget(entry), shows);
    else this.#files.add(path, entry.storedSize, shows);
  }

  /** Yields the directories above a path, from the root down to the listed depth. */
  *#directoriesOf(path: string): Generator<string> {
    yield "/";
    let slash = path.indexOf("/");
    for (let depth = 1; depth <= this.#depth && slash >= 0; depth++) {
      yield `/${path.slice(0, slash)}`;
      slash = path.indexOf("/", slash + 1);
    }
  }

  #useOf(directory: string): { used: number; wasted: number } {
    let use = this.#directories.get(directory);
    if (use === undefined) {
      use = { used: 0, wasted: 0 };
      this.#directories.set(directory, use);
    }
    return use;
  }

  #addWasted(file: WastedFile): void {
    this.wastedFiles.push(file);
    if (this.wastedFiles.length > 2 * this.#top + 1000) this.wastedFiles = this.#largestWasted();
  }

  #largestWasted(): WastedFile[] {
    return this.wastedFiles
      .sort((a, b) => b.size - a.size || b.layer - a.layer || (a.path < b.path ? -1 : 1))
      .slice(0, this.#top);
  }
}
