import { FileError, UnsupportedError } from "../errors.ts";
import { type AbortOptions, chunks, fileFailure } from "../io/mod.ts";
import { joinPath, openWriter, readStream, remove, temporaryDirectory, temporaryRoot } from "../runtime/mod.ts";
import { layerFromCompressed } from "./layer_core.ts";
import type { Layer } from "./view.ts";

/** A layer whose digest is known, and perhaps a temporary file that holds it. */
export interface SpooledLayer {
  /** The layer; it can be opened again and again until it is disposed of. */
  readonly layer: Layer;
  /** Removes the temporary file. */
  dispose(): Promise<void>;
}

/**
 * Finds out the digest of a layer so that its bytes are made only once: a layer that would have to be read or compressed
 * for it is written to a temporary file on the way. One whose digest is known stays as it is. Where there is no file
 * system, a layer that can be read twice is.
 *
 * @throws {UnsupportedError} when the layer can be read only once and there is no file system.
 * @throws {FileError} when the temporary file can't be written; nothing of it is left.
 */
export async function spoolLayer(layer: Layer, options: AbortOptions = {}): Promise<SpooledLayer> {
  const { signal } = options;
  if (layer.digestKnown()) return { layer, dispose: () => Promise.resolve() };
  const directory = await makeDirectory();
  if (directory === undefined) return await withoutFiles(layer, options);
  const dispose = () => remove(directory, { recursive: true });
  try {
    const path = joinPath(directory, "layer");
    await writeLayer(layer, path, signal);
    const descriptor = await layer.descriptor({ signal });
    const spooled = layerFromCompressed({
      descriptor,
      compressed: ({ signal } = {}) => Promise.resolve(readStream(path, { signal })),
      diffId: (options) => layer.diffId(options),
      what: `the temporary copy of ${descriptor.digest}`,
    });
    return { layer: spooled, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function writeLayer(layer: Layer, path: string, signal: AbortSignal | undefined): Promise<void> {
  const writer = await failing(openWriter(path, { mode: 0o600, exclusive: true }));
  try {
    const stream = await layer.compressed({ signal });
    for await (const chunk of chunks(stream, { signal })) await failing(writer.write(chunk));
  } finally {
    await failing(writer.close());
  }
}

async function withoutFiles(layer: Layer, options: AbortOptions): Promise<SpooledLayer> {
  if (layer.streaming) {
    throw new UnsupportedError("a streaming layer needs a file system to be kept in until its digest is known", {
      hint: "make the layer of bytes, or of something that can be opened twice",
    });
  }
  await layer.digest(options);
  return { layer, dispose: () => Promise.resolve() };
}

/** A directory for one file; `undefined` where this runtime has no file system. */
async function makeDirectory(): Promise<string | undefined> {
  try {
    return await temporaryDirectory();
  } catch (error) {
    if (error instanceof Error && error.name === "NotSupportedError") return undefined;
    throw temporaryFailure(error);
  }
}

async function failing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw temporaryFailure(error);
  }
}

function temporaryFailure(cause: unknown): unknown {
  const failure = fileFailure(`can't keep a layer in ${temporaryRoot()}`, cause);
  if (!(failure instanceof FileError)) return failure;
  const { message, errno } = failure;
  return new FileError(message, { cause, errno, hint: "set TMPDIR to a directory with enough space" });
}
