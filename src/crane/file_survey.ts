import { Cover, type Mark } from "../mutate/mod.ts";
import type { TarEntry } from "../tar/mod.ts";
import { type FileFacts, readFacts } from "./file_facts.ts";
import { type LayerVisitor, linkTarget } from "./visit_layers.ts";

/** A path of an image, and the layer that has it, counted from the top. */
interface Found {
  readonly facts: FileFacts;
  readonly layer: number;
}

/** A hard link to a file of a lower layer: its facts are replaced by that file's. */
interface PendingLink {
  readonly facts: { -readonly [Field in keyof FileFacts]: FileFacts[Field] };
  readonly target: string;
}

/** The files of one image, as far as its layers were read from the top down. */
export class ImageFiles {
  readonly #cover = new Cover();
  readonly #found = new Map<string, Found>();
  /** What, besides the files themselves, the layers read so far say of those below. */
  readonly #claims = new Set<string>();
  #pending: PendingLink[] = [];
  #layer = 0;

  /** The files by their paths. */
  get found(): ReadonlyMap<string, { readonly facts: FileFacts }> {
    return this.#found;
  }

  /** Returns whether what the layers read so far say means that the same layers below give the same to both images. */
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

  /** The current layer says that a path, or all below a directory, is gone. */
  hide(mark: { readonly kind: "whiteout" | "opaque"; readonly path: string }): void {
    if (mark.kind === "whiteout") this.#cover.addWhiteout(mark.path);
    else this.#cover.addOpaque(mark.path);
    this.#claims.add(`${mark.kind} ${mark.path}`);
  }

  /** Takes an entry of the current layer; says whether it shows. */
  shows(path: string, { type }: TarEntry): boolean {
    const kind = type === "directory" ? type : "nonDirectory";
    const shows = this.#cover.add(path, kind);
    if (!shows) this.#claims.add(`${kind} ${path}`);
    return shows;
  }

  /** Returns whether the layers read so far have a path. */
  has(path: string): boolean {
    return this.#found.has(path);
  }

  /** Keeps an entry that shows. A directory is as its topmost layer has it; in one layer, the last entry counts. */
  keep(path: string, facts: FileFacts): void {
    const before = this.#found.get(path);
    if (before && before.layer !== this.#layer) return;
    if (before && isDirectory(before.facts) !== isDirectory(facts)) this.#claims.add(`both ${path}`);
    this.#found.set(path, { facts, layer: this.#layer });
  }

  /** The current layer was read to its end: what it holds, and the links that it has to lower layers. */
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

/** Reads layers that one image has, or that several have in common, into their files. */
export class FileSurvey implements LayerVisitor {
  readonly #images: readonly ImageFiles[];
  /** What the names of the current layer stand for, hidden ones too. */
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
    // What all images get from a layer that they share is no difference.
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

/** Makes the facts of a link those of what it names. */
function become(link: PendingLink["facts"], facts: FileFacts): void {
  delete link.link;
  delete link.xattrs;
  Object.assign(link, facts);
}
