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

  /** The current layer has a directory: lower ones of the same path are merged into it. */
  addDirectory(path: string): void {
    this.#add(path, Hidden.nonDirectory | Hidden.directory);
  }

  /** The current layer has something else than a directory. */
  addNonDirectory(path: string): void {
    this.#add(path, WHOLE_TREE);
  }

  /** The current layer says that a path is gone. */
  addWhiteout(path: string): void {
    this.#add(path, WHOLE_TREE);
  }

  /** The current layer says that all below a directory is gone. */
  addOpaque(path: string): void {
    this.#add(path, Hidden.nonDirectory | Hidden.below);
  }

  /** The current layer is done; the next one is below it. */
  nextLayer(): void {
    this.#layer++;
  }

  /** Whether a path of the current layer is hidden by a layer above. */
  hides(path: string, type: "directory" | "nonDirectory"): boolean {
    let node: Node | undefined = this.#root;
    for (const segment of segmentsOf(path)) {
      if (this.#hiddenAt(node) & Hidden.below) return true;
      node = node.children?.get(segment);
      if (node === undefined) return false;
    }
    return (this.#hiddenAt(node) & Hidden[type]) !== 0;
  }

  #add(path: string, hidden: number): void {
    let node = this.#root;
    for (const segment of segmentsOf(path)) {
      this.#hide(node, Hidden.nonDirectory);
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = { above: 0, own: 0, layer: this.#layer, children: undefined };
        node.children.set(segment, child);
      }
      node = child;
    }
    this.#hide(node, hidden);
  }

  #hide(node: Node, hidden: number): void {
    this.#hiddenAt(node);
    node.own |= hidden;
  }

  /** What the layers above the current one hide; what an earlier one said counts from now on. */
  #hiddenAt(node: Node): number {
    if (node.layer !== this.#layer) {
      node.above |= node.own;
      node.own = 0;
      node.layer = this.#layer;
    }
    return node.above;
  }
}

function segmentsOf(path: string): string[] {
  return path === "" ? [] : path.split("/");
}
