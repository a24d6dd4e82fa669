/** The name prefix of a file that says that another is gone (image-spec, "Whiteouts"). */
const WHITEOUT = ".wh.";
/** The name of a file that says that all below its directory is gone (image-spec, "Opaque Whiteout"). */
const OPAQUE = ".wh..wh..opq";

/** What a name in a layer stands for. */
export type Mark =
  /** The entry itself. */
  | { readonly kind: "entry" }
  /** A path of lower layers is gone. */
  | { readonly kind: "whiteout"; readonly path: string }
  /** All of lower layers below a directory is gone. */
  | { readonly kind: "opaque"; readonly path: string }
  /** Bookkeeping of a storage driver. */
  | { readonly kind: "ignored" };

/** Reads a clean path as an entry or a whiteout. */
export function markOf(path: string): Mark {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  if (!name.startsWith(WHITEOUT)) return { kind: "entry" };
  const directory = slash < 0 ? "" : path.slice(0, slash);
  if (name === OPAQUE) return { kind: "opaque", path: directory };
  if (name.startsWith(WHITEOUT + WHITEOUT)) return { kind: "ignored" };
  const gone = name.slice(WHITEOUT.length);
  return { kind: "whiteout", path: directory === "" ? gone : `${directory}/${gone}` };
}

/** How a path of an upper layer covers lower ones. */
type Coverage =
  /** It hides what has its own path. */
  | "self"
  /** It hides what has its own path, and all below. */
  | "tree"
  /** It hides all below; a directory with its own path shows. */
  | "below"
  /** It is a directory that only follows from a path below it: it hides plain files, and nothing else. */
  | "implied";

/** Which paths of lower layers are hidden by the layers above them. */
export class Cover {
  readonly #above = new Map<string, Coverage>();
  readonly #layer = new Map<string, Coverage>();
  readonly #directories = new Map<string, boolean>();

  /** Notes an entry of the current layer. */
  addEntry(path: string, directory: boolean): void {
    const known = this.#layer.get(path);
    // An opaque directory stays opaque, and a whiteout beside its own replacement still hides the whole tree below.
    if (directory) this.#layer.set(path, known === "below" || known === "tree" ? "tree" : "self");
    else this.#layer.set(path, "tree");
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const parent = path.slice(0, slash);
      if (this.#layer.has(parent)) break;
      this.#layer.set(parent, "implied");
    }
  }

  /** Notes that a path of lower layers is gone. */
  addWhiteout(path: string): void {
    this.#layer.set(path, "tree");
  }

  /** Notes that all of lower layers below a directory is gone. */
  addOpaque(path: string): void {
    const known = this.#layer.get(path);
    this.#layer.set(path, known === "self" || known === "tree" ? "tree" : "below");
  }

  /** The current layer is done: what it holds covers those below. */
  nextLayer(): void {
    for (const [path, coverage] of this.#layer) this.#above.set(path, stronger(this.#above.get(path), coverage));
    this.#layer.clear();
    this.#directories.clear();
  }

  /** Whether a path of the current layer is hidden by a layer above. */
  hides(path: string, plainFile: boolean): boolean {
    const coverage = this.#above.get(path);
    if (coverage === "self" || coverage === "tree") return true;
    if (coverage === "implied" && plainFile) return true;
    const slash = path.lastIndexOf("/");
    return this.#hidesBelow(slash < 0 ? "" : path.slice(0, slash));
  }

  /** Whether all below a directory is hidden; asked for every entry, so the answers are kept. */
  #hidesBelow(directory: string): boolean {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const coverage = this.#above.get(directory);
    let hidden = coverage === "tree" || coverage === "below";
    if (!hidden && directory !== "") {
      const slash = directory.lastIndexOf("/");
      hidden = this.#hidesBelow(slash < 0 ? "" : directory.slice(0, slash));
    }
    this.#directories.set(directory, hidden);
    return hidden;
  }
}

function stronger(a: Coverage | undefined, b: Coverage): Coverage {
  if (a === undefined || a === b) return b;
  if (a === "tree" || b === "tree") return "tree";
  if (a === "implied") return b;
  if (b === "implied") return a;
  return "tree"; // one hides the path itself, the other all below
}
