import { TarballError } from "../errors.ts";
import { type AbortOptions, fileFailure, sliceStream, streamOf } from "../io/mod.ts";
import { type Bytes, type ByteStream, type FileStat, type OpenFile, openFile } from "../runtime/mod.ts";

/** Which bytes to read. */
export interface ByteRange extends AbortOptions {
  /** The first byte. */
  offset: number;
  /**
   * How many bytes at most.
   * @default all that follow
   */
  length?: number;
}

/** A tarball that can be read from any place, any number of times. */
export interface OpenTarball {
  /** The number of its bytes, where starting in the middle is as cheap as at the beginning. */
  readonly size?: number;
  /** The bytes of a range; a fresh stream each time. */
  read(range: ByteRange): Promise<ByteStream>;
  /**
   * Opens the file that holds the tarball, byte for byte; the caller closes it.
   * @default the tarball is in no file
   */
  openFile?(options?: AbortOptions): Promise<OpenFile>;
}

/** Where a tarball comes from: {@linkcode tarballFile}, {@linkcode tarballBytes}, {@linkcode tarballStream} or yours. */
export interface TarballSource {
  /** Its name in an error: a path, for example. */
  readonly name: string;
  /** Prepares it for reading. */
  open(options?: AbortOptions): Promise<OpenTarball>;
}

/** A tarball in a file. It is opened for each read, which fails when it is not the file that was there at first. */
export function tarballFile(path: string): TarballSource {
  const open = async () => {
    try {
      return await openFile(path);
    } catch (error) {
      throw fileFailure(`can't read the tarball ${path}`, error);
    }
  };
  return {
    name: path,
    async open() {
      const file = await open();
      const first = await file.stat();
      await file.close();
      if (first.kind !== "file") {
        throw new TarballError(`${path} is not a regular file but a ${first.kind}`, {
          hint: first.kind === "directory" ? "a directory may be an OCI image layout" : undefined,
        });
      }
      const openSame = async () => {
        const file = await open();
        if (isSame(first, await file.stat())) return file;
        await file.close();
        throw new TarballError(`${path} was changed while it was being read`);
      };
      return {
        size: first.size,
        read: async ({ signal, ...range }) => (await openSame()).stream({ ...range, signal, closeWhenDone: true }),
        openFile: openSame,
      };
    },
  };
}

/** A tarball in memory, or in a `Blob`: a file that was chosen in a browser, for example. */
export function tarballBytes(content: Bytes | Blob, name: string = "tarball"): TarballSource {
  const size = content instanceof Blob ? content.size : content.length;
  const range = (offset: number, length: number): ByteStream =>
    content instanceof Blob
      ? content.slice(offset, offset + length).stream()
      : streamOf(content.subarray(offset, offset + length));
  const read = ({ offset, length = size }: ByteRange) => Promise.resolve(range(offset, length));
  return { name, open: () => Promise.resolve({ size, read }) };
}

/**
 * A tarball that can only be read from its beginning, but again and again: `open` gives a fresh stream each time. What
 * lies in front of a layer is read and thrown away for each layer, so prefer {@linkcode tarballFile} where there is
 * one.
 */
export function tarballStream(
  open: (options?: AbortOptions) => Promise<ByteStream>,
  name: string = "tarball",
): TarballSource {
  const read = async ({ signal, ...range }: ByteRange) => sliceStream(await open({ signal }), range);
  return { name, open: () => Promise.resolve({ read }) };
}

function isSame(a: FileStat, b: FileStat): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs;
}
