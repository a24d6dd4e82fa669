import { checkView, type Image } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { Cover, type Mark } from "../mutate/mod.ts";
import { type Hash, isConfig } from "../spec/mod.ts";
import type { TarEntry } from "../tar/mod.ts";
import { commandsOf } from "./layer_commands.ts";
import { StoredFiles } from "./stored_files.ts";
import { type LayerVisitor, linkTarget, visitLayers } from "./visit_layers.ts";

/** Bytes of file content, as layers hold it uncompressed; what has several names in a layer counts once. */
interface Use {
  /** The bytes that show in the image. */
  readonly used: number;
  /** The bytes that don't: a later layer hides or overwrites their file. */
  readonly wasted: number;
}

/** What a layer takes. */
export interface LayerUse extends Use {
  /** The digest of the layer as it is stored. */
  readonly digest: Hash;
  /** The bytes of the layer as it is stored, compressed mostly. */
  readonly size: number;
  /** By which command it was made, as the config's history tells; missing where it does not. */
  readonly createdBy?: string;
}

/** What a directory takes, with all below it. */
export interface DirectoryUse extends Use {
  /** The absolute path: `/`, `/usr`, `/usr/lib`. */
  readonly path: string;
}

/** A file that takes space and does not show. */
export interface WastedFile {
  /** Its absolute path. */
  readonly path: string;
  /** The bytes of its content. */
  readonly size: number;
  /** The position of the layer that holds it; the bottom one is 0. */
  readonly layer: number;
}

/** What takes the space in an image. */
export interface DiskUse extends Use {
  /** The bytes of all layers as they are stored. */
  readonly size: number;
  /** The layers, the bottom one first. */
  readonly layers: readonly LayerUse[];
  /** The directories that take most, used and wasted bytes together, the largest first. */
  readonly directories: readonly DirectoryUse[];
  /** The files that waste most, the largest first. */
  readonly wastedFiles: readonly WastedFile[];
}

/** Options of {@linkcode diskUse}. */
export interface DiskUseOptions extends AbortOptions {
  /**
   * How many directories and wasted files to list.
   * @default 10
   */
  top?: number;
  /**
   * How deep directories are told apart; what is below counts for the directory at that depth. 0 is the root alone.
   * @default 2
   */
  depth?: number;
}

/**
 * What takes the space in an image, by layer and by directory, and how much of it is wasted: held by a layer, but
 * hidden or overwritten by one above. Each layer is read once; nothing but names is kept.
 */
export async function diskUse(image: Image, options: DiskUseOptions = {}): Promise<DiskUse> {
  checkView(image, "image");
  const { signal, top = 10, depth = 2 } = options;
  const manifest = await image.manifest({ signal });
  const read = isConfig(manifest.config.mediaType) ? await image.configFile({ signal }) : undefined;
  const createdBy = read ? commandsOf(read, manifest.layers.length) : [];
  const layers = await image.layers({ signal });
  const survey = new Survey(layers.length, { top, depth });
  await visitLayers(layers, survey, { signal });
  const uses = manifest.layers.map(({ digest, size }, i): LayerUse => ({
    digest,
    size,
    ...survey.layers[i],
    ...(createdBy[i] ? { createdBy: createdBy[i] } : {}),
  }));
  const sum = (field: "size" | "used" | "wasted") => uses.reduce((total, use) => total + use[field], 0);
  return {
    size: sum("size"),
    used: sum("used"),
    wasted: sum("wasted"),
    layers: uses,
    directories: survey.directories(),
    wastedFiles: survey.wastedFiles,
  };
}

/** Adds up what layers hold. */
class Survey implements LayerVisitor {
  /** What each layer takes, the bottom one first. */
  readonly layers: { used: number; wasted: number }[];
  /** The files that waste most. */
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

  /** The directories that take most. */
  directories(): DirectoryUse[] {
    return Array.from(this.#directories, ([path, use]) => ({ path, ...use }))
      .sort((a, b) => b.used + b.wasted - a.used - a.wasted || (a.path < b.path ? -1 : 1))
      .slice(0, this.#top);
  }

  #visitFile(entry: TarEntry, path: string, shows: boolean): void {
    if (entry.type === "link") this.#files.link(path, linkTarget(entry), shows);
    else this.#files.add(path, entry.storedSize, shows);
  }

  /** The directories above a path, from the root down as far as they are told apart. */
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
