import type { BlobNode, ContentSink, FoundManifest, Node, PutOptions } from "../graph/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";

/** A file of an archive that is about to be written. */
export interface PlannedFile {
  /** Its name in the archive. */
  readonly path: string;
  /** The number of its bytes. */
  readonly size: number;
  /** Its content: bytes that are there already, or the digest of a blob. */
  readonly content: Bytes | Hash;
}

/**
 * Lays an archive out: finds its files from all that goes into it. Blobs come in the order of the nodes; of several
 * files with one path the first counts.
 */
export type ArchiveFormat = (nodes: readonly Node[], options: AbortOptions) => Promise<readonly PlannedFile[]>;

/** What takes the files of an archive: a file on disk, whose places are written side by side, or a stream. */
export interface ArchiveTarget {
  /** Learns of all files before the first content; writes those that are there already. */
  begin(files: readonly PlannedFile[]): Promise<void>;
  /** Writes the content of a file that is not there already: that of a blob. */
  write(file: PlannedFile, blob: BlobNode, options: PutOptions): Promise<void>;
}

/** An archive as a sink: its format determines where each blob goes, its target writes there. */
export class ArchiveSink implements ContentSink {
  readonly id: string = `archive ${crypto.randomUUID()}`;
  readonly vouches = false;
  readonly #format: ArchiveFormat;
  readonly #target: ArchiveTarget;
  readonly #blobs = new Map<Hash, BlobNode>();
  /** What the put of each blob writes. */
  readonly #writes = new Map<Hash, PlannedFile[]>();

  /** Creates the sink; nothing is written before the plan. */
  constructor(format: ArchiveFormat, target: ArchiveTarget) {
    this.#format = format;
    this.#target = target;
  }

  /** The size of a file stands in front of its content. */
  takesUnidentified(): boolean {
    return false;
  }

  hasBlob(_descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(false);
  }

  hasManifest(_descriptor: Descriptor, { names }: { readonly names: readonly string[] }): Promise<FoundManifest> {
    return Promise.resolve({ there: false, unnamed: names });
  }

  async plan(nodes: readonly Node[], options: AbortOptions): Promise<void> {
    for (const node of nodes) if (node.kind === "blob") this.#blobs.set(node.descriptor!.digest, node);
    const files = distinct(await this.#format(nodes, options));
    let writes: PlannedFile[] = [];
    for (const file of files) {
      if (typeof file.content !== "string") continue;
      // A blob's further place is written by the put of what lies in front of it. So the puts, in the order of the nodes,
      // write the archive in its own order, and a stream never waits for a put that has not begun.
      if (!this.#writes.has(file.content)) this.#writes.set(file.content, writes = []);
      writes.push(file);
    }
    await this.#target.begin(files);
  }

  async putBlob({ descriptor }: BlobNode, { signal, onBytes }: PutOptions): Promise<"done"> {
    for (const [index, file] of this.#writes.get(descriptor!.digest)?.entries() ?? []) {
      const blob = this.#blobs.get(file.content as Hash)!;
      await this.#target.write(file, blob, { signal, ...(index === 0 ? { onBytes } : {}) });
    }
    return "done";
  }

  /** Does nothing: the plan knows manifests whole. */
  putManifest(): Promise<void> {
    return Promise.resolve();
  }
}

function distinct(files: readonly PlannedFile[]): PlannedFile[] {
  const found = new Map<string, PlannedFile>();
  for (const file of files) if (!found.has(file.path)) found.set(file.path, file);
  return [...found.values()];
}
