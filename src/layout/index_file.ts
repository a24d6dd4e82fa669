import { GcraneError, LayoutError } from "../errors.ts";
import { type AbortOptions, fileFailure, KeyedMutex, Limits, readAll } from "../io/mod.ts";
import { type Bytes, isMissing, joinPath, openFile, resolvePath, writeFileAtomic } from "../runtime/mod.ts";
import { jsonBytes, layoutIndexBytes, parseJsonObject, wrongArgument } from "../spec/internal.ts";
import { makeBlobDirectory } from "./blob_files.ts";
import { type IndexManifest, MediaType, parseIndexManifest } from "../spec/mod.ts";

/** The version of the layouts that are written (image-spec, "oci-layout file"). */
const VERSION = "1.0.0";

/** The most bytes of an `oci-layout` file. */
const MARKER_LIMIT = 64 * 1024;

/** An `index.json` that lists nothing. */
const EMPTY_INDEX: IndexManifest = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [] };

/** Runs the updates of one `index.json` in this process one after the other, by the layout's path. */
const updates = new KeyedMutex();

/** Reads the bytes of `index.json`. @throws {LayoutError} if there is none. */
export async function readIndexFile(layoutPath: string, options: AbortOptions = {}): Promise<Bytes> {
  return await readSmallFile(layoutPath, "index.json", { limit: Limits.manifest, ...options });
}

/** Reads and parses `index.json`. @throws {LayoutError} if there is none, or it is not an index. */
async function readIndex(layoutPath: string, options: AbortOptions = {}): Promise<IndexManifest> {
  return parseIndexFile(layoutPath, await readIndexFile(layoutPath, options));
}

/** Parses the bytes of `index.json`. @throws {LayoutError} if they are not an index. */
export function parseIndexFile(layoutPath: string, bytes: Bytes): IndexManifest {
  return malformed(() => parseIndexManifest(bytes, joinPath(layoutPath, "index.json")));
}

/**
 * Checks that a directory is a layout of a supported version.
 *
 * @throws {LayoutError} if it is not.
 */
export async function checkLayout(layoutPath: string, options: AbortOptions = {}): Promise<void> {
  if (typeof layoutPath !== "string") throw wrongArgument("a path", layoutPath);
  const bytes = await readSmallFile(layoutPath, "oci-layout", { limit: MARKER_LIMIT, ...options });
  const path = joinPath(layoutPath, "oci-layout");
  const version = malformed(() => parseJsonObject(bytes, path)).imageLayoutVersion;
  if (typeof version !== "string" || !/^1\./.test(version)) {
    throw new LayoutError(`${path} is of version ${JSON.stringify(version)}, which is not 1`);
  }
  await readIndex(layoutPath, options);
}

/** Creates an empty layout in a directory. Existing parts of a layout are kept. */
export async function initialiseLayout(layoutPath: string, options: AbortOptions = {}): Promise<void> {
  if (typeof layoutPath !== "string") throw wrongArgument("a path", layoutPath);
  try {
    await makeBlobDirectory(layoutPath, "sha256");
  } catch (error) {
    throw fileFailure(`can't make the layout ${layoutPath}`, error);
  }
  if (!await hasFile(layoutPath, "index.json", options)) await writeIndexFile(layoutPath, EMPTY_INDEX, options);
  if (!await hasFile(layoutPath, "oci-layout", options)) {
    await replaceFile(joinPath(layoutPath, "oci-layout"), jsonBytes({ imageLayoutVersion: VERSION }), options);
  }
}

/**
 * Updates `index.json`. Updates in this process run one after the other, and other processes see the old file or the
 * new one. If `change` returns its argument, nothing is written. Unknown fields are kept.
 */
export async function updateIndexFile(
  layoutPath: string,
  change: (index: IndexManifest) => IndexManifest,
  options: AbortOptions = {},
): Promise<void> {
  await oneAtATime(layoutPath, async () => {
    const index = await readIndex(layoutPath, options);
    const changed = change(index);
    if (changed !== index) await writeIndexFile(layoutPath, changed, options);
  }, options);
}

/** Replaces `index.json` with these bytes, or with this index. */
export async function writeIndexFile(
  layoutPath: string,
  content: Bytes | IndexManifest,
  options: AbortOptions = {},
): Promise<void> {
  const bytes = content instanceof Uint8Array ? content : layoutIndexBytes(content);
  await replaceFile(joinPath(layoutPath, "index.json"), bytes, options);
}

/** Runs `work` once all earlier work of this process on the layout's index is done. */
export async function oneAtATime<T>(
  layoutPath: string,
  work: () => Promise<T>,
  options: AbortOptions = {},
): Promise<T> {
  return await updates.run(resolvePath(layoutPath), work, options);
}

/** Calls `parse` and converts its error into one about the layout. */
function malformed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof GcraneError) throw new LayoutError(cause.message, { cause });
    throw cause;
  }
}

async function readSmallFile(
  layoutPath: string,
  name: string,
  options: AbortOptions & { limit: number },
): Promise<Bytes> {
  const path = joinPath(layoutPath, name);
  const { limit, signal } = options;
  try {
    const file = await openFile(path);
    const stream = file.stream({ closeWhenDone: true, signal });
    const { kind } = await file.stat();
    if (kind === "file") return await readAll(stream, { limit, what: path, signal });
    await stream.cancel();
    throw new LayoutError(`${path} is not a regular file but a ${kind}`);
  } catch (error) {
    if (!isMissing(error)) throw fileFailure(`can't read ${path}`, error);
    throw new LayoutError(`${layoutPath} is not an OCI image layout: it has no ${name}`, {
      cause: error,
      hint: "a layout is a directory with the files oci-layout and index.json",
    });
  }
}

async function hasFile(layoutPath: string, name: string, options: AbortOptions): Promise<boolean> {
  try {
    await readSmallFile(layoutPath, name, { limit: Limits.manifest, ...options });
    return true;
  } catch (error) {
    if (error instanceof LayoutError) return false;
    throw error;
  }
}

/** Replaces a symbolic link and does not follow it, so that an untrusted layout can't overwrite a file elsewhere. */
async function replaceFile(path: string, bytes: Bytes, { signal }: AbortOptions): Promise<void> {
  try {
    await writeFileAtomic(path, bytes, { signal, replaceLink: true });
  } catch (error) {
    throw fileFailure(`can't write ${path}`, error);
  }
}
