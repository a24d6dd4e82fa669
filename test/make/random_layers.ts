import type { Layer } from "../../src/image/mod.ts";
import type { Random } from "./random.ts";
import type { TarNewEntry } from "../../src/tar/mod.ts";
import { utf8 } from "./bytes.ts";
import { applyLayer, FileTree, type Item, parents, segments } from "./file_tree.ts";
import { layerOf, tarOf } from "./entry_layers.ts";

/** How wild the layers are. */
export interface RandomLayerOptions {
  /** Whether a layer may hold a name twice. */
  duplicates: boolean;
  /** Whether there are devices, which root alone can make. */
  devices: boolean;
}

const NAMES = ["a", "b", "c", "d"];

/**
 * Layers that an image builder could have made, on few enough names that they get into one another's way: the bottom
 * layer first, and the tree that they make.
 */
export function randomLayers(random: Random, options: RandomLayerOptions): { layers: Item[][]; tree: FileTree } {
  const tree = new FileTree();
  const layers: Item[][] = [];
  for (let number = random.integer(1, 6); number > 0; number--) {
    const items = new LayerMaker(random, tree, { ...options, name: `layer ${layers.length}` }).make();
    applyLayer(tree, items);
    layers.push(items);
  }
  return { layers, tree };
}

/** Makes one layer that fits on a tree, by building it on a copy. */
class LayerMaker {
  readonly #random: Random;
  readonly #lower: FileTree;
  readonly #options: RandomLayerOptions & { name: string };
  /** What the layers so far and this one make. */
  readonly #tree: FileTree;
  /** What this layer itself has at a path. */
  readonly #own = new Map<string, "directory" | "other">();
  readonly #items: Item[] = [];

  constructor(random: Random, lower: FileTree, options: RandomLayerOptions & { name: string }) {
    this.#random = random;
    this.#lower = lower.copy();
    this.#tree = lower.copy();
    this.#options = options;
  }

  make(): Item[] {
    const marks = Array.from({ length: this.#random.integer(0, 3) }, () => this.#mark());
    // The position of a whiteout within a layer has no meaning.
    applyLayer(this.#tree, marks);
    for (const { path } of marks) for (const parent of parents(path)) this.#own.set(parent, "directory");
    for (let count = this.#random.integer(0, 10); count > 0; count--) this.#entry();
    for (const mark of marks) this.#items.splice(this.#random.integer(0, this.#items.length), 0, mark);
    return this.#items;
  }

  #mark(): Item {
    const random = this.#random;
    const path = random.chance(0.7) ? random.pick(["a", ...this.#lower.files().keys()]) : this.#path();
    const directory = parents(path).at(-1) ?? "";
    const [name, inside] = random.chance(0.3) ? [".wh..wh..opq", path] : [`.wh.${segments(path).at(-1)}`, directory];
    return { path: inside === "" ? name : `${inside}/${name}`, type: "file", content: "", mode: 0o644 };
  }

  #entry(): void {
    const path = this.#path();
    // A parent that this very layer has as a file, or a directory of its own in the way, no builder would write.
    if (parents(path).some((parent) => this.#own.get(parent) === "other")) return;
    if (this.#own.has(path) && !this.#options.duplicates) return;
    const item = this.#itemAt(path);
    if (item === undefined || (item.type !== "directory" && this.#own.get(path) === "directory")) return;
    this.#items.push(item);
    const target = item.type === "link"
      ? this.#tree.fileAt(item.linkname!) ?? this.#lower.fileAt(item.linkname!)
      : undefined;
    this.#tree.put(item, target);
    for (const parent of parents(path)) this.#own.set(parent, "directory");
    this.#own.set(path, item.type === "directory" ? "directory" : "other");
  }

  #itemAt(path: string): Item | undefined {
    const random = this.#random;
    const mode = random.pick([0o644, 0o600, 0o755, 0o4755]);
    switch (random.integer(0, 9)) {
      case 0:
      case 1:
      case 2:
        return { path, type: "file", mode, content: `${path} of ${this.#options.name}, ${this.#items.length}` };
      case 3:
      case 4:
        return { path, type: "directory", mode: random.pick([0o755, 0o700, 0o1777]) };
      case 5:
        return { path, type: "symlink", mode: 0o777, linkname: random.pick(["a", "b/c", "/d", "a/../b"]) };
      case 6:
        return random.chance(0.5) || !this.#options.devices
          ? { path, type: "fifo", mode }
          : { path, type: "characterDevice", mode, device: `${random.integer(0, 9)}:${random.integer(0, 300)}` };
      default:
        return this.#linkAt(path);
    }
  }

  #linkAt(path: string): Item | undefined {
    const targets = new Set([...this.#tree.files().keys()]);
    // A file whose own name is taken away by this very layer.
    for (const target of this.#lower.files().keys()) {
      if (this.#tree.at(target) === undefined && !this.#own.has(target)) targets.add(target);
    }
    targets.delete(path);
    // A link whose target is below it would take its own target away.
    const possible = [...targets].filter((target) => !target.startsWith(`${path}/`));
    if (possible.length === 0) return undefined;
    return { path, type: "link", mode: 0o644, linkname: this.#random.pick(possible) };
  }

  #path(): string {
    const depth = this.#random.pick([1, 1, 2, 2, 2, 3]);
    return Array.from({ length: depth }, () => this.#random.pick(NAMES)).join("/");
  }
}

/** The items as a layer, in one of the forms that archives and streams have. */
export async function storedLayer(items: readonly Item[], random: Random): Promise<Layer> {
  const entries = items.map((item) => entryOf(item, random));
  const tar = await tarOf(entries, { format: random.pick(["pax", "gnu"]) });
  const { layer } = await layerOf(tar, { chunkSize: random.pick([100, 512, 700, 65536]) });
  return layer;
}

/** An item as an entry to write, its names in one of the forms that archives have. */
function entryOf(item: Item, random: Random): TarNewEntry {
  const prefix = () => random.pick(["", "", "./", "/", ".//"]);
  const { path, type, mode, content, linkname, device } = item;
  const [devMajor, devMinor] = device?.split(":").map(Number) ?? [];
  return {
    path: prefix() + path + (type === "directory" && random.chance(0.7) ? "/" : ""),
    type,
    mode,
    ...(content === undefined ? {} : { content: utf8(content) }),
    ...(linkname === undefined ? {} : { linkname: type === "link" ? prefix() + linkname : linkname }),
    ...(device === undefined ? {} : { devMajor, devMinor }),
  };
}
