import { type CompressOptions, type Digest, gzipMember, type Measured } from "../io/mod.ts";
import { type Bytes, type ByteStream, concat, pullStream, streamingHash } from "../runtime/mod.ts";
import type { EstargzEnd, EstargzMember } from "./estargz_parts.ts";

/** Options of an eStargz layer. */
export interface EstargzLayerOptions {
  /**
   * The most bytes of a file that are compressed together, and so fetched together where the layer is read lazily.
   * @default 4194304
   */
  chunkSize?: number;
}

/** The facts about an eStargz layer that are known at its end. */
export interface EstargzFacts {
  /** Its uncompressed tar, which is not the one that it was made of: it has a table of contents. */
  readonly content: Measured;
  /** The annotations of its descriptor for reading the layer lazily. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Options of {@linkcode estargzStream}. */
export interface EstargzStreamOptions extends EstargzLayerOptions, CompressOptions {
  /** Called at the end, before the stream closes. */
  onEnd: (facts: EstargzFacts) => void;
}

/**
 * The annotation of an eStargz layer by which its table can be checked before anything else is read (docs/estargz.md,
 * "Content Verification").
 */
export const ESTARGZ_TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest";
/** The number of bytes of the uncompressed tar, which containers/storage asks for. */
const UNCOMPRESSED_SIZE = "io.containers.estargz.uncompressed-size";

/** Selects the annotations about an eStargz's bytes, which stay true when others are replaced. */
export function estargzAnnotations(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  const ofBytes = [ESTARGZ_TOC_DIGEST, UNCOMPRESSED_SIZE].filter((name) => name in annotations);
  return Object.fromEntries(ofBytes.map((name) => [name, annotations[name]]));
}

/** Small members are given out together, up to so many bytes. */
const BATCH_SIZE = 64 * 1024;

/**
 * A tar as an eStargz layer (stargz-snapshotter, docs/estargz.md): gzip like any other, in which each file can be found
 * and read by itself. A little of the tar and its table of contents are in memory.
 */
export function estargzStream(tar: ByteStream, options: EstargzStreamOptions): ByteStream {
  const stop = new AbortController();
  const blob = blobChunks(tar, options, stop.signal);
  return pullStream({
    async read() {
      const batch: Bytes[] = [];
      for (let size = 0; size < BATCH_SIZE;) {
        const { value, done } = await blob.next();
        if (done) break;
        batch.push(value);
        size += value.length;
      }
      return batch.length > 0 ? concat(batch) : undefined;
    },
    async cancel(reason) {
      // A pending generator does not see its return, and one that did not begin has not locked the tar.
      stop.abort(reason);
      if (!tar.locked) await tar.cancel(reason);
      await blob.return().catch(() => {});
    },
  });
}

async function* blobChunks(
  tar: ByteStream,
  options: EstargzStreamOptions,
  signal: AbortSignal,
): AsyncGenerator<Bytes, void, undefined> {
  // Loaded when a layer is read, with the tar codec.
  const { estargzFooter, estargzParts } = await import("./estargz_parts.ts");
  const { chunkSize, onEnd } = options;
  const parts = estargzParts(tar, { chunkSize, signal });
  const hash = await streamingHash("sha256");
  let size = 0;
  let offset = 0;
  let memberOffset = 0;
  let part: IteratorResult<Bytes | EstargzMember, EstargzEnd> = await parts.next();
  const read = async () => {
    part = await parts.next();
    if (part.done || !(part.value instanceof Uint8Array)) return undefined;
    hash.update(part.value);
    size += part.value.length;
    return part.value;
  };
  while (!part.done) {
    memberOffset = offset;
    (part.value as EstargzMember).place(memberOffset);
    for await (const chunk of gzipMember(read, options)) {
      offset += chunk.length;
      yield chunk;
    }
  }
  const digest: Digest = `sha256:${await hash.hex()}`;
  const { tocDigest } = part.value;
  onEnd({
    content: { digest, size },
    annotations: { [ESTARGZ_TOC_DIGEST]: tocDigest, [UNCOMPRESSED_SIZE]: String(size) },
  });
  // The last member is that of the table.
  yield estargzFooter(memberOffset);
}
