/** What is hidden of lower layers at a path, as bits. */
const Hidden = {
  /** A file, link or device with that path. */
  nonDirectory: 1,
  /** A directory with that path. */
  directory: 2,
  /** Everything below that path. */
  below: 4,
} as const;

const WHOLE_TREE = Hidden.nonDirectory | Hidden.directory | Hidden.below;

/** A path that occurs in a layer. */
interface Node {
  /** The bits that the layers above `layer` hide. */
  above: number;
  /** The bits that the layer `layer` hides. */
  own: number;
  /** The last layer that has the path. */
  layer: number;
  children: Map<string, Node> | undefined;
}

/**
 * Tracks which paths of a layer are hidden by the layers above it. Layers come from the top down; a layer hides
 * nothing of itself.
 *
 * A path implies that its parents are directories, also where they have no entry: they hide files, but not directories.
 */
export class Cover {
  readonly #root: Node = { above: 0, own: 0, layer: 0, children: undefined };
  #layer = 0;

  /**
   * Takes an entry of the current layer; returns whether it shows: whether no layer above hides it. A directory that
   * shows is merged with lower ones of the same path; any other entry replaces them, also where it is hidden itself.
   */
  add(path: string, type: "directory" | "nonDirectory"): boolean {
    return this.#add(path, type === "directory" ? Hidden.nonDirectory | Hidden.directory : WHOLE_TREE, Hidden[type]);
  }

  /** Takes a whiteout of the current layer: the path is removed. */
  addWhiteout(path: string): void {
    this.#add(path, WHOLE_TREE, 0);
  }

  /** Takes an opaque whiteout of the current layer: all below the directory is removed. */
  addOpaque(path: string): void {
    this.#add(path, Hidden.nonDirectory | Hidden.below, 0);
  }

  /** Ends the current layer; the next one is below it. */
  nextLayer(): void {
    this.#layer++;
  }

  /** Hides `hidden` at a path from lower layers; returns whether layers above leave `asked` visible there. */
  #add(path: string, hidden: number, asked: number): boolean {
    let node = this.#root;
    let above = 0;
    for (const segment of path === "" ? [] : path.split("/")) {
      above |= this.#hide(node, Hidden.nonDirectory) & Hidden.below;
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = { above: 0, own: 0, layer: this.#layer, children: undefined };
        node.children.set(segment, child);
      }
      node = child;
    }
    above |= this.#hide(node, hidden) & asked;
    return above === 0;
  }

  /** Hides bits of the current layer at a node; returns the bits that the layers above it hide there. */
  #hide(node: Node, hidden: number): number {
    if (node.layer !== this.#layer) {
      // The last layer that has the path hides it from this one.
      node.above |= node.own;
      node.own = 0;
      node.layer = this.#layer;
    }
    node.own |= hidden;
    return node.above;
  }
}
