import { LayoutError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type Hash, type IndexManifest, isDescriptor, isHash, manifestKind } from "../spec/mod.ts";
import type { BlobFiles, StoredBlob } from "./blob_files.ts";

/** The most bytes of content of an unknown type that is looked into for what it points at. */
const UNKNOWN_LIMIT = 4 * 1024 * 1024;

/** What a manifest's place in another one says of it. */
interface Pointer {
  readonly digest: Hash;
  readonly size: number;
  readonly mediaType?: string;
}

/**
 * The blobs that nothing in `index.json` leads to, by way of indexes, manifests and their subjects. Whatever a manifest
 * mentions by digest is kept, in fields that we know or don't.
 *
 * @param rootIndex what `index.json` says
 * @throws {LayoutError} when a manifest on the way can't be read: what it points at can't be known then. One that is not
 * there at all points at nothing.
 */
export async function findGarbage(
  blobs: BlobFiles,
  rootIndex: IndexManifest,
  options: AbortOptions = {},
): Promise<StoredBlob[]> {
  const stored = new Map((await blobs.list()).map((blob) => [blob.digest, blob]));
  const live = new Set<Hash>();
  const visited = new Set<Hash>();
  const queue = pointersIn(rootIndex, live);
  for (const pointer of queue) {
    options.signal?.throwIfAborted();
    live.add(pointer.digest);
    if (visited.has(pointer.digest) || !stored.has(pointer.digest)) continue;
    visited.add(pointer.digest);
    const content = await readManifest(blobs, pointer, options);
    if (content !== undefined) queue.push(...pointersIn(content, live));
  }
  return [...stored.values()].filter(({ digest }) => !live.has(digest));
}

async function readManifest(blobs: BlobFiles, pointer: Pointer, options: AbortOptions): Promise<unknown> {
  const { digest, size, mediaType } = pointer;
  const isKnown = manifestKind(mediaType ?? "") !== "other";
  if (!isKnown && size > UNKNOWN_LIMIT) return undefined;
  try {
    return parse(await blobs.bytes({ digest, size }, options), digest);
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (!isKnown && cause instanceof SyntaxError) return undefined;
    throw new LayoutError(`nothing was removed: the manifest ${digest} can't be read: ${(cause as Error).message}`, {
      cause,
      hint: "repair it, or remove its descriptor from index.json",
    });
  }
}

/** Adds every digest that a JSON value mentions to `live`, and gives what it points at as manifests. */
function pointersIn(value: unknown, live: Set<Hash>): Pointer[] {
  addDigests(value, live);
  if (typeof value !== "object" || value === null) return [];
  const { manifests, subject } = value as { manifests?: unknown; subject?: unknown };
  return [...Array.isArray(manifests) ? manifests : [], subject].filter(isDescriptor);
}

function addDigests(value: unknown, live: Set<Hash>): void {
  const values = [value];
  for (const item of values) {
    if (isHash(item)) live.add(item);
    else if (typeof item === "object" && item !== null) values.push(...Object.values(item));
  }
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SyntaxError(`${what} is not JSON`, { cause });
  }
}
