import { Cover, type Mark } from "../mutate/internal.ts";
import type { TarEntry } from "../tar/mod.ts";
import { type FileFacts, readFacts } from "./file_facts.ts";
import { type LayerVisitor, linkTarget } from "./visit_layers.ts";

/** A path of an image, and the position of its layer, counted from the top. */
interface LayeredFile {
  readonly facts: FileFacts;
  readonly layer: number;
}

/** A hard link to a file of a lower layer, whose facts replace those of the link. */
interface PendingLink {
  readonly facts: { -readonly [Field in keyof FileFacts]: FileFacts[Field] };
  readonly target: string;
}

/** The files of one image in the layers that were read so far, from the top down. */
export class ImageFiles {
  readonly #cover = new Cover();
  readonly #found = new Map<string, LayeredFile>();
  /** The whiteouts, opaque directories and other effects of the layers so far on those below. */
  readonly #claims = new Set<string>();
  #pending: PendingLink[] = [];
  #layer = 0;

  /** The files by their paths. */
  get found(): ReadonlyMap<string, { readonly facts: FileFacts }> {
    return this.#found;
  }

  /** Returns whether the layers read so far have the same effect on the layers below in both images. */
  coversLike(other: ImageFiles): boolean {
    if (this.#pending.length + other.#pending.length > 0) return false;
    if (this.#found.size !== other.#found.size || this.#claims.size !== other.#claims.size) return false;
    for (const claim of this.#claims) if (!other.#claims.has(claim)) return false;
    for (const [path, { facts }] of this.#found) {
      const same = other.#found.get(path);
      if (!same || isDirectory(same.facts) !== isDirectory(facts)) return false;
    }
    return true;
  }

  /** Records that a path, or all content of a directory, is removed by the current layer. */
  hide(mark: { readonly kind: "whiteout" | "opaque"; readonly path: string }): void {
    if (mark.kind === "whiteout") this.#cover.addWhiteout(mark.path);
    else this.#cover.addOpaque(mark.path);
    this.#claims.add(`${mark.kind} ${mark.path}`);
  }

  /** Records an entry of the current layer and returns whether it is visible. */
  shows(path: string, { type }: TarEntry): boolean {
    const kind = type === "directory" ? type : "nonDirectory";
    const shows = this.#cover.add(path, kind);
    if (!shows) this.#claims.add(`${kind} ${path}`);
    return shows;
  }

  /** Returns whether the layers read so far contain a path. */
  has(path: string): boolean {
    return this.#found.has(path);
  }

  /** Records a visible entry. The topmost layer defines a directory; within one layer the last entry counts. */
  keep(path: string, facts: FileFacts): void {
    const before = this.#found.get(path);
    if (before && before.layer !== this.#layer) return;
    if (before && isDirectory(before.facts) !== isDirectory(facts)) this.#claims.add(`both ${path}`);
    this.#found.set(path, { facts, layer: this.#layer });
  }

  /** Ends the current layer: adds its names, and its links to lower layers. */
  endLayer(names: ReadonlyMap<string, FileFacts>, links: readonly PendingLink[]): void {
    const targets = new Map(links.map((link) => [link.facts as FileFacts, link.target]));
    const waiting = this.#pending.flatMap((link) => {
      const facts = names.get(link.target);
      if (facts === undefined) return [link];
      const target = targets.get(facts);
      if (target !== undefined) return [{ ...link, target }];
      become(link.facts, facts);
      return [];
    });
    this.#pending = [...waiting, ...links];
    this.#cover.nextLayer();
    this.#layer++;
  }
}

/** Reads the layers of one image, or those that several have in common, into their files. */
export class FileSurvey implements LayerVisitor {
  readonly #images: readonly ImageFiles[];
  /** The facts of all names in the current layer, hidden ones included. */
  readonly #names = new Map<string, FileFacts>();
  readonly #links: PendingLink[] = [];

  constructor(...images: ImageFiles[]) {
    this.#images = images;
  }

  async visit(entry: TarEntry, path: string, mark: Mark): Promise<void> {
    if (mark.kind === "whiteout" || mark.kind === "opaque") {
      for (const image of this.#images) image.hide(mark);
      return;
    }
    const facts = entry.type === "link" ? await this.#linked(entry) : await readFacts(entry);
    if (entry.type === "directory") this.#names.delete(path);
    else this.#names.set(path, facts);
    if (mark.kind === "bookkeeping" || (path === "" && entry.type !== "directory")) return;
    const shown = this.#images.filter((image) => image.shows(path, entry));
    // A shared layer that is visible in all images makes no difference.
    const same = this.#images.length > 1 && shown.length === this.#images.length;
    if (same && !shown.some((image) => image.has(path))) return;
    for (const image of shown) image.keep(path, facts);
  }

  endLayer(): void {
    for (const image of this.#images) image.endLayer(this.#names, this.#links);
    this.#names.clear();
    this.#links.length = 0;
  }

  async #linked(entry: TarEntry): Promise<FileFacts> {
    const target = linkTarget(entry);
    const here = target === undefined ? undefined : this.#names.get(target);
    if (here) return here;
    const facts = await readFacts(entry);
    if (target !== undefined) this.#links.push({ facts, target });
    return facts;
  }
}

function isDirectory({ type }: FileFacts): boolean {
  return type === "directory";
}

/** Replaces the facts of a link with those of its target. */
function become(link: PendingLink["facts"], facts: FileFacts): void {
  delete link.link;
  delete link.xattrs;
  Object.assign(link, facts);
}
