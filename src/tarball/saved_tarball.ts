import { type AbortOptions, chunks, lazy, temporaryFailure } from "../io/mod.ts";
import { type ByteStream, joinPath, openWriter, remove, temporaryDirectory } from "../runtime/mod.ts";
import { type OpenTarball, tarballFile, type TarballSource } from "./source.ts";

/**
 * A tarball that comes as a stream, which can be read once only: from standard input, or from an engine. It is kept in
 * a temporary file from the first time that it is needed until it is disposed of.
 */
export class SavedTarball implements TarballSource {
  /** Its name in an error. */
  readonly name: string;
  readonly #stop = new AbortController();
  readonly #path: (options?: AbortOptions) => Promise<string>;
  #directory: string | undefined;
  #writing: Promise<unknown> | undefined;

  /** Takes what opens the stream; it is called once. */
  constructor(name: string, save: (options: AbortOptions) => ByteStream | Promise<ByteStream>) {
    this.name = name;
    this.#path = lazy(() => {
      const path = this.#write(save);
      this.#writing = path;
      return path;
    });
  }

  /** Opens the temporary file. The first call requests the tarball and writes the file. */
  async open(options: AbortOptions = {}): Promise<OpenTarball> {
    this.#stop.signal.throwIfAborted();
    const file = await tarballFile(await this.#saved(options)).open(options);
    return {
      size: file.size,
      read: async (range) => {
        this.#stop.signal.throwIfAborted();
        return await file.read(range);
      },
      openFile: async (options) => {
        this.#stop.signal.throwIfAborted();
        return await file.openFile!(options);
      },
    };
  }

  /** Returns the path of the file. After disposal it ends when nothing is left of it, so that a program may exit then. */
  async #saved(options: AbortOptions): Promise<string> {
    try {
      return await this.#path(options);
    } catch (error) {
      if (this.#stop.signal.aborted) await this.#writing?.catch(() => {});
      throw error;
    }
  }

  /** Removes the temporary file, and aborts a pending write to it. Later reads fail. */
  async dispose(): Promise<void> {
    this.#stop.abort(new TypeError(`${this.name} was disposed of`));
    await this.#writing?.catch(() => {});
    await this.#removeDirectory();
  }

  async #write(save: (options: AbortOptions) => ByteStream | Promise<ByteStream>): Promise<string> {
    const { signal } = this.#stop;
    try {
      this.#directory = await failing(temporaryDirectory());
      const path = joinPath(this.#directory, "saved.tar");
      const writer = await failing(openWriter(path, { mode: 0o600, exclusive: true }));
      try {
        for await (const chunk of chunks(await save({ signal }), { signal })) await failing(writer.write(chunk));
      } finally {
        await failing(writer.close());
      }
      return path;
    } catch (error) {
      await this.#removeDirectory();
      throw error;
    }
  }

  async #removeDirectory(): Promise<void> {
    const directory = this.#directory;
    this.#directory = undefined;
    if (directory !== undefined) await remove(directory, { recursive: true });
  }
}

async function failing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw temporaryFailure("an image", error);
  }
}
