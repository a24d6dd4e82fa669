/** What of lower layers is hidden at a path, as bits. */
const Hidden = {
  /** A file, link or device with that path. */
  nonDirectory: 1,
  /** A directory with that path. */
  directory: 2,
  /** Everything below that path. */
  below: 4,
} as const;

const WHOLE_TREE = Hidden.nonDirectory | Hidden.directory | Hidden.below;

/** A path that some layer says something of. */
interface Node {
  /** What the layers above `layer` hide. */
  above: number;
  /** What the layer `layer` hides. */
  own: number;
  /** The last layer that came by. */
  layer: number;
  children: Map<string, Node> | undefined;
}

/**
 * Which paths of a layer are hidden by the layers above it. Layers come from the top down; what a layer holds hides
 * nothing of itself.
 *
 * A path implies that its parents are directories, also where no entry says so: they hide files, but not directories.
 */
export class Cover {
  readonly #root: Node = { above: 0, own: 0, layer: 0, children: undefined };
  #layer = 0;

  /**
   * Takes an entry of the current layer and says whether it shows: whether no layer above hides it. A directory that
   * shows is merged with lower ones of the same path; anything else takes their place, also where it is hidden itself.
   */
  add(path: string, type: "directory" | "nonDirectory"): boolean {
    return this.#add(path, type === "directory" ? Hidden.nonDirectory | Hidden.directory : WHOLE_TREE, Hidden[type]);
  }

  /** The current layer says that a path is gone. */
  addWhiteout(path: string): void {
    this.#add(path, WHOLE_TREE, 0);
  }

  /** The current layer says that all below a directory is gone. */
  addOpaque(path: string): void {
    this.#add(path, Hidden.nonDirectory | Hidden.below, 0);
  }

  /** The current layer is done; the next one is below it. */
  nextLayer(): void {
    this.#layer++;
  }

  /** Hides `hidden` at a path from lower layers; says whether layers above leave `asked` visible there. */
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

  /** Has the current layer hide something at a node; gives what the layers above it hide there. */
  #hide(node: Node, hidden: number): number {
    if (node.layer !== this.#layer) {
      // What the last layer that came by hides, it hides from this one.
      node.above |= node.own;
      node.own = 0;
      node.layer = this.#layer;
    }
    node.own |= hidden;
    return node.above;
  }
}
