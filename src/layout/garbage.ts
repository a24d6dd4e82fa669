import { LayoutError, ManifestError } from "../errors.ts";
import { mentionedDigests } from "../graph/internal.ts";
import { type AbortOptions, Limits } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { isDescriptor, parseJson, properManifest } from "../spec/internal.ts";
import { type Hash, isLayer, manifestKind } from "../spec/mod.ts";
import type { BlobFiles, StoredBlob } from "./blob_files.ts";

/** A reference to a manifest from its parent. */
interface Pointer {
  readonly digest: Hash;
  readonly size: number;
  readonly mediaType?: string;
}

/**
 * Finds the blobs that are not reachable from `index.json` through indexes, manifests and their subjects. Keeps every
 * digest that a manifest mentions, in known and unknown fields.
 *
 * @param rootIndex the bytes of `index.json`
 * @throws {LayoutError} if a reachable manifest can't be read, as its references are unknown then. A missing manifest
 * has no references.
 */
export async function findGarbage(
  blobs: BlobFiles,
  rootIndex: Bytes,
  options: AbortOptions = {},
): Promise<StoredBlob[]> {
  const stored = new Map((await blobs.list()).map((blob) => [blob.digest, blob]));
  const live = new Set<Hash>();
  const visited = new Set<Hash>();
  const queue: Pointer[] = [];
  const add = ({ mentioned, pointers }: Content) => {
    for (const digest of mentioned) live.add(digest);
    queue.push(...pointers);
  };
  add(contentOf(rootIndex, "index.json"));
  for (const pointer of queue) {
    options.signal?.throwIfAborted();
    if (visited.has(pointer.digest) || !stored.has(pointer.digest)) continue;
    visited.add(pointer.digest);
    const content = await readManifest(blobs, pointer, options);
    if (content) add(content);
  }
  return [...stored.values()].filter(({ digest }) => !live.has(digest));
}

/** The references of a manifest. */
interface Content {
  /** The digests that it mentions. */
  readonly mentioned: ReadonlySet<Hash>;
  /** Its references to manifests. */
  readonly pointers: readonly Pointer[];
}

/** Reads a blob that may be a manifest. Returns `undefined` if it is a layer, not JSON, or larger than the limit. */
async function readManifest(blobs: BlobFiles, pointer: Pointer, options: AbortOptions): Promise<Content | undefined> {
  const { digest, size, mediaType } = pointer;
  const isKnown = manifestKind(mediaType ?? "") !== "other";
  if (!isKnown && (isLayer(mediaType) || size > Limits.manifest)) return undefined;
  try {
    return contentOf(await blobs.bytes({ digest, size }, options), digest);
  } catch (cause) {
    options.signal?.throwIfAborted();
    const isJson = !(cause instanceof ManifestError && cause.cause);
    if (!isKnown && !isJson) return undefined;
    throw new LayoutError(`nothing was removed: the manifest ${digest} can't be read: ${(cause as Error).message}`, {
      cause,
      hint: "repair it, or remove its descriptor from index.json",
    });
  }
}

function contentOf(bytes: Bytes, what: string): Content {
  const { manifests, subject } = properManifest(parseJson(bytes, what));
  const pointers = [...Array.isArray(manifests) ? manifests : [], subject].filter(isDescriptor);
  return { mentioned: mentionedDigests(bytes), pointers };
}
