import { SizeMismatchError } from "../errors.ts";
import type { BlobNode, ContentSink, FoundManifest, Node, PutOptions } from "../graph/mod.ts";
import { type AbortOptions, observe } from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
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

/** Lays an archive out: finds its files, in order, from all that goes into it. */
export type ArchiveFormat = (nodes: readonly Node[], options: AbortOptions) => Promise<readonly PlannedFile[]>;

/** What takes the files of an archive: a file on disk, whose places are written side by side, or a stream. */
export interface ArchiveTarget {
  /** Learns of all files before the first content; writes those that are there already. */
  begin(files: readonly PlannedFile[]): Promise<void>;
  /** Writes the content of a file that is not there already. */
  write(file: PlannedFile, open: (options: AbortOptions) => Promise<ByteStream>, options: PutOptions): Promise<void>;
}

/** An archive as a sink: its format says where each blob goes, its target writes there. */
export class ArchiveSink implements ContentSink {
  readonly id: string = `archive ${crypto.randomUUID()}`;
  readonly vouches = false;
  readonly #format: ArchiveFormat;
  readonly #target: ArchiveTarget;
  readonly #files = new Map<Hash, PlannedFile[]>();

  /** Makes it; nothing is written before the plan. */
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
    const files = distinct(await this.#format(nodes, options));
    for (const file of files) {
      if (typeof file.content !== "string") continue;
      const { content } = file;
      this.#files.set(content, [...this.#files.get(content) ?? [], file]);
    }
    await this.#target.begin(files);
  }

  /** Writes a blob to its first place, and to further ones when their turn comes. */
  async putBlob({ content, descriptor }: BlobNode, options: PutOptions): Promise<"done"> {
    const [first, ...more] = this.#files.get(descriptor!.digest) ?? [];
    if (first === undefined) return "done";
    options.onBytes?.(0);
    const writing = [first, ...more].map((file) =>
      this.#target.write(
        file,
        async ({ signal }) =>
          exactly(await content.open({ signal }), file, file === first ? options.onBytes : undefined),
        options,
      )
    );
    // A stream reaches the further places later: to wait for them here would block what lies between.
    for (const later of writing.slice(1)) later.catch(() => {});
    await writing[0];
    return "done";
  }

  /** A manifest is one of the files that the plan knows whole. */
  putManifest(): Promise<void> {
    return Promise.resolve();
  }
}

/** Of several files with one path the first counts. */
function distinct(files: readonly PlannedFile[]): PlannedFile[] {
  const found = new Map<string, PlannedFile>();
  for (const file of files) if (!found.has(file.path)) found.set(file.path, file);
  return [...found.values()];
}

/** The same stream, counted: it fails when it has more or fewer bytes than there is room for. */
function exactly(
  stream: ByteStream,
  { path, size }: PlannedFile,
  onBytes: PutOptions["onBytes"],
): ByteStream {
  let left = size;
  const wrong = (how: string) => new SizeMismatchError(`${path} has ${how} than the ${size} bytes that were promised`);
  return observe(stream, {
    chunk({ length }) {
      left -= length;
      if (left < 0) throw wrong("more");
      onBytes?.(length);
    },
    end() {
      if (left > 0) throw wrong("fewer");
    },
  });
}
