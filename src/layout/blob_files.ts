import { LayoutError, NotFoundError } from "../errors.ts";
import {
  type AbortOptions,
  errorCode,
  fileFailure,
  Limits,
  missingIsUndefined,
  readAll,
  verifyStream,
} from "../io/mod.ts";
import {
  type Bytes,
  type ByteStream,
  createNewFile,
  dirName,
  type FileStat,
  isMissing,
  joinPath,
  lstat,
  makeDirectory,
  type NewFile,
  type OpenFile,
  openFile,
  pathSeparator,
  readDirectory,
  realPath,
  remove,
  removeOldTemporaries,
} from "../runtime/mod.ts";
import { type Algorithm, type Hash, hashAlgorithm, hashHexDigits, isHash, parseHash } from "../spec/mod.ts";

/** The expected digest and size of a blob that is to be read. */
export interface ExpectedBlob {
  /** Its digest. */
  readonly digest: Hash;
  /**
   * The number of its bytes.
   * @default any
   */
  readonly size?: number;
}

/** A blob in the layout. */
export interface StoredBlob {
  /** Its digest, from its file name. */
  readonly digest: Hash;
  /** Its path. */
  readonly path: string;
  /** The number of its bytes. */
  readonly size: number;
}

/** The name of blobs before their digest is known. */
const INCOMING = "incoming";

/** The files under `blobs/` of a layout (image-spec, "Image Layout", "Blobs"). */
export class BlobFiles {
  readonly #layoutPath: string;
  readonly #root: string;
  #tidied = false;

  /** Creates an instance for the layout at a path. */
  constructor(layoutPath: string) {
    this.#layoutPath = layoutPath;
    this.#root = joinPath(layoutPath, "blobs");
  }

  /** Returns the path of a blob, whether it exists or not. @throws {HashError} if the value is not a digest. */
  pathOf(digest: Hash): string {
    const checked = parseHash(digest);
    return joinPath(this.#root, hashAlgorithm(checked), hashHexDigits(checked));
  }

  /** Returns whether the blob is a regular file of this size. Does not read its bytes. */
  async has({ digest, size }: ExpectedBlob): Promise<boolean> {
    try {
      const found = await lstat(this.pathOf(digest)).catch(missingIsUndefined);
      return found?.kind === "file" && (size === undefined || found.size === size);
    } catch (error) {
      throw fileFailure(`can't look for the blob ${digest}`, error);
    }
  }

  /**
   * Opens a blob. The stream is verified, and closes the file at its end.
   *
   * @throws {NotFoundError} if there is none.
   * @throws {LayoutError} if it is a symbolic link, not a regular file, or was replaced while it was being opened.
   */
  async open(blob: ExpectedBlob, options: AbortOptions = {}): Promise<ByteStream> {
    return verifyStream(await this.openUnverified(blob.digest, options), blob, `blob ${this.pathOf(blob.digest)}`);
  }

  /** Opens a blob as {@linkcode BlobFiles.open} does, but without verification, for a view that verifies it. */
  async openUnverified(
    digest: Hash,
    { offset, signal }: AbortOptions & { readonly offset?: number } = {},
  ): Promise<ByteStream> {
    const file = await this.openFile(digest);
    return file.stream({ offset, closeWhenDone: true, signal });
  }

  /**
   * Opens the file of a blob; the caller closes it.
   *
   * @throws {NotFoundError} if there is none.
   * @throws {LayoutError} if it is a symbolic link, not a regular file, or was replaced while it was being opened.
   */
  async openFile(digest: Hash): Promise<OpenFile> {
    const path = this.pathOf(digest);
    let before: FileStat;
    let file: OpenFile;
    try {
      before = await lstat(path);
      if (before.kind !== "file") throw irregular(path, before);
      file = await openFile(path, { noFollow: true });
    } catch (error) {
      if (isMissing(error)) throw new NotFoundError(`the layout has no blob ${digest}: ${path} does not exist`);
      if (errorCode(error) === "ELOOP") throw exchanged(path);
      throw fileFailure(`can't read ${path}`, error);
    }
    const opened = await file.stat();
    if (opened.kind === "file" && opened.ino === before.ino && opened.dev === before.dev) return file;
    await file.close();
    throw exchanged(path);
  }

  /** Reads all of a small blob: a manifest or an index. */
  async bytes(blob: ExpectedBlob, options: AbortOptions = {}): Promise<Bytes> {
    const what = `blob ${this.pathOf(blob.digest)}`;
    return await readAll(await this.open(blob, options), { limit: Limits.manifest, what, signal: options.signal });
  }

  /**
   * Writes a blob to a temporary file, which is renamed once it is complete. A failure leaves no file behind.
   *
   * @param fill writes the bytes and returns their digest. The caller guarantees that it is right.
   */
  async write(fill: (file: NewFile) => Promise<Hash>, { signal }: AbortOptions): Promise<void> {
    let file: NewFile | undefined;
    try {
      file = await this.#createFile();
      const digest = await fill(file);
      await makeBlobDirectory(this.#layoutPath, hashAlgorithm(digest));
      signal?.throwIfAborted();
      await file.commit(this.pathOf(digest));
    } catch (error) {
      await file?.discard();
      throw fileFailure(`can't write to ${this.#root}`, error);
    }
  }

  /**
   * Returns all blobs that are regular files or links, ordered by digest. Files whose name is not a digest are left
   * out.
   */
  async list(): Promise<StoredBlob[]> {
    const found: StoredBlob[] = [];
    for (const algorithm of ["sha256", "sha512"]) {
      const directory = joinPath(this.#root, algorithm);
      for (const { name, kind } of await entriesOf(directory)) {
        const digest = `${algorithm}:${name}`;
        if (!isHash(digest) || (kind !== "file" && kind !== "symlink")) continue;
        const path = joinPath(directory, name);
        found.push({ digest, path, size: (await lstat(path)).size });
      }
    }
    return found;
  }

  /** Removes a blob, if it exists. */
  async remove(digest: Hash): Promise<void> {
    const path = this.pathOf(digest);
    try {
      if (await lstat(path).catch(missingIsUndefined) === undefined) return;
      await demandInside(this.#layoutPath, dirName(path));
      await remove(path);
    } catch (error) {
      throw fileFailure(`can't remove ${path}`, error);
    }
  }

  /** Creates the file beside the blobs of sha256, so that a rename completes it. */
  async #createFile(): Promise<NewFile> {
    const directory = await makeBlobDirectory(this.#layoutPath, "sha256");
    if (!this.#tidied) {
      this.#tidied = true;
      await removeOldTemporaries(directory, INCOMING);
    }
    return await createNewFile(joinPath(directory, INCOMING));
  }
}

/**
 * Creates the directory of a layout for blobs of an algorithm, and returns its path.
 *
 * @throws {LayoutError} if a symbolic link leads out of the layout from there.
 */
export async function makeBlobDirectory(layoutPath: string, algorithm: Algorithm): Promise<string> {
  let directory = layoutPath;
  for (const name of ["blobs", algorithm]) {
    directory = joinPath(directory, name);
    await makeDirectory(directory, { recursive: true });
    await demandInside(layoutPath, directory);
  }
  return directory;
}

/** Refuses a directory to which a symbolic link leads out of the layout: the files there are not the layout's. */
async function demandInside(layoutPath: string, directory: string): Promise<void> {
  const [layout, actual] = [await realPath(layoutPath), await realPath(directory)];
  const start = layout.endsWith(pathSeparator()) ? layout : layout + pathSeparator();
  if (actual.startsWith(start)) return;
  throw new LayoutError(`${directory} leads out of the layout, to ${actual}: nothing is changed there`, {
    hint: "replace the symbolic link by a directory",
  });
}

async function entriesOf(directory: string): Promise<{ name: string; kind: string }[]> {
  try {
    return await readDirectory(directory).catch(missingIsUndefined) ?? [];
  } catch (error) {
    throw fileFailure(`can't list ${directory}`, error);
  }
}

function irregular(path: string, { kind }: FileStat): LayoutError {
  const name = kind === "symlink" ? "symbolic link" : kind;
  return new LayoutError(`blob ${path} is not a regular file but a ${name}: it is not read`, {
    hint: "a layout holds its blobs as files of its own",
  });
}

function exchanged(path: string): LayoutError {
  return new LayoutError(`blob ${path} was exchanged while it was being opened: it is not read`);
}
