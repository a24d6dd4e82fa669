import { CompressionError, LimitError, TarballError, TarError } from "../errors.ts";
import {
  type AbortOptions,
  assertReadable,
  decompressLimited,
  Limits,
  type Measured,
  observe,
  readAll,
  sliceStream,
  SNIFF_LENGTH,
  sniffBytes,
} from "../io/mod.ts";
import type { OpenContentOptions, Place } from "../image/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type ScannedEntry, scanTarball } from "./scan.ts";
import type { OpenTarball, TarballSource } from "./source.ts";

/** A file in a tarball. */
export interface ArchivedFile {
  /** Its name, without `./` and the like. */
  readonly path: string;
  /** Where its content starts, in bytes. */
  readonly offset: number;
  /** The number of bytes of its content. */
  readonly size: number;
  /** Its first bytes, as many as tell how it is compressed, or as there are. */
  readonly head: Bytes;
}

/** What a name in a tarball stands for: a file, a link, or what is of no use here. */
type Entry =
  | { readonly kind: "file"; readonly file: ArchivedFile }
  | { readonly kind: "link"; readonly targets: readonly string[] }
  | { readonly kind: "other"; readonly what: string };

/** The most entries that a tarball may have; those of images have a few for each layer. */
const MAX_ENTRIES = 100_000;

/** A tarball whose headers were read once: its files can be opened in any order, side by side. */
export class Archive {
  /** What to call it in an error. */
  readonly name: string;
  readonly #tarball: OpenTarball;
  readonly #entries = new Map<string, Entry>();

  private constructor(name: string, tarball: OpenTarball) {
    this.name = name;
    this.#tarball = tarball;
  }

  /**
   * Opens a tarball, compressed with gzip or zstd or not at all, and finds its files.
   *
   * @throws {TarballError} when it is not a tar archive, or ends early.
   * @throws {CompressionError} when it is compressed in another way.
   * @throws {LimitError} when it has more entries than any image needs.
   */
  static async open(source: TarballSource, options: AbortOptions = {}): Promise<Archive> {
    const tarball = await source.open(options);
    const archive = new Archive(source.name, await decompressed(tarball, source.name, options));
    try {
      await archive.#scan(options.signal);
    } catch (cause) {
      if (!(cause instanceof TarError || cause instanceof CompressionError)) throw cause;
      throw new TarballError(`${source.name} is not a whole tar archive: ${cause.message}`, {
        cause,
        hint: cause.hint,
      });
    }
    return archive;
  }

  /** Whether there is anything of this name. */
  has(path: string): boolean {
    return this.#entries.has(cleanPath(path));
  }

  /**
   * The file of this name, or that links of this name lead to.
   *
   * @throws {TarballError} when there is none, or links lead in a circle.
   */
  file(path: string): ArchivedFile {
    const start = cleanPath(path);
    const passed = new Set<string>();
    for (let name = start;;) {
      const entry = this.#entries.get(name);
      if (entry === undefined) throw this.#lacks(name, start);
      if (entry.kind === "file") return entry.file;
      if (entry.kind === "other") throw new TarballError(`${this.name}: ${name} is not a file but a ${entry.what}`);
      if (passed.has(name)) throw new TarballError(`${this.name}: links lead in a circle from ${start}`);
      passed.add(name);
      name = entry.targets.find((target) => this.#entries.has(target)) ?? entry.targets[0];
    }
  }

  /** The file of this name; `undefined` where {@linkcode Archive.file} would fail. */
  find(path: string): ArchivedFile | undefined {
    try {
      return this.file(path);
    } catch (error) {
      if (error instanceof TarballError) return undefined;
      throw error;
    }
  }

  /** Where a file lies on disk; `undefined` where the tarball is compressed or in no file. */
  placeOf({ offset, size }: ArchivedFile): Place | undefined {
    const tarball = this.#tarball;
    if (!tarball.openFile) return undefined;
    return { kind: "file", open: (options) => tarball.openFile!(options), offset, length: size };
  }

  /** Hashes a file where it lies on disk; only for one that has a place. */
  async measure({ path, offset, size }: ArchivedFile, { signal }: AbortOptions = {}): Promise<Measured> {
    const file = await this.#tarball.openFile!({ signal });
    try {
      const hashed = await file.hash("sha256", { offset, length: size, signal });
      if (hashed.size < size) throw this.#endsEarly(path, size - hashed.size);
      return { digest: `sha256:${hashed.hex}`, size };
    } finally {
      await file.close();
    }
  }

  /** The content of a file. The stream fails when the tarball ends before the file does. */
  async open(file: ArchivedFile, options: OpenContentOptions = {}): Promise<ByteStream> {
    const { path } = file;
    const { offset = 0, signal } = options;
    let left = Math.max(file.size - offset, 0);
    const stream = await this.#tarball.read({ offset: file.offset + offset, length: left, signal });
    return observe(stream, {
      chunk: ({ length }) => left -= length,
      end: () => {
        if (left !== 0) throw this.#endsEarly(path, left);
      },
    });
  }

  /** All of a file that is small by nature. @throws {LimitError} when it is not. */
  async bytes(file: ArchivedFile, options: AbortOptions = {}): Promise<Bytes> {
    const what = `${file.path} in ${this.name}`;
    if (file.size > Limits.manifest) {
      throw new LimitError(`${what} is larger than the limit of ${Limits.manifest} bytes`);
    }
    return await readAll(await this.open(file, options), { limit: file.size, what, signal: options.signal });
  }

  async #scan(signal: AbortSignal | undefined): Promise<void> {
    for await (const found of scanTarball(this.#tarball, { signal })) {
      const path = cleanPath(found.header.path);
      // Of several entries with one name the first counts, as it does for the peers that read without unpacking.
      if (!this.#entries.has(path)) this.#entries.set(path, entryOf(path, found));
      if (this.#entries.size > MAX_ENTRIES) {
        throw new LimitError(`${this.name} has more than ${MAX_ENTRIES} entries: it is no tarball of images`);
      }
    }
  }

  #endsEarly(path: string, missing: number): TarballError {
    return new TarballError(`${this.name} ends early: ${missing} bytes of ${path} are missing`);
  }

  #lacks(path: string, start: string): TarballError {
    const where = path === start ? "" : `, to which ${start} leads`;
    return new TarballError(`${this.name} has no ${path}${where}`, {
      hint: "the tarball is incomplete: make it again",
    });
  }
}

function entryOf(path: string, { header, offset, head }: ScannedEntry): Entry {
  switch (header.type) {
    case "file":
      if (header.sparse) return { kind: "other", what: "sparse file" };
      return { kind: "file", file: { path, offset, size: header.size, head } };
    case "symlink":
      return { kind: "link", targets: [resolve(path, header.linkname)] };
    case "link":
      // A hard link counts from the top of the archive; some writers mean it from where it stands.
      return { kind: "link", targets: [cleanPath(header.linkname), resolve(path, header.linkname)] };
    default:
      return { kind: "other", what: header.type };
  }
}

/** The tarball's own bytes, or those inside when it is compressed; then there is no way but from the beginning. */
async function decompressed(tarball: OpenTarball, name: string, { signal }: AbortOptions): Promise<OpenTarball> {
  const start = await tarball.read({ offset: 0, length: SNIFF_LENGTH, signal });
  const compression = sniffBytes(await readAll(start, { limit: SNIFF_LENGTH, what: name, signal }));
  assertReadable(compression, name);
  if (compression === "none") return tarball;
  const { size } = tarball;
  return {
    async read({ signal, ...range }) {
      const inside = decompressLimited(await tarball.read({ offset: 0, signal }), compression, { what: name, size });
      return sliceStream(inside, range);
    },
  };
}

/** Where a symbolic link at `path` leads to. */
function resolve(path: string, target: string): string {
  return cleanPath(target.startsWith("/") ? target : `${path}/../${target}`);
}

/** A name without `.`, `..` and needless slashes; nothing is above the top. */
function cleanPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}
