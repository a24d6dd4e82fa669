import type { HttpError } from "../errors.ts";
import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";

/** How a registry takes the bytes of a blob. */
export interface UploadWay {
  /** Whether the body of a PATCH needs a `Content-Length`; some runtimes send a stream faster without. */
  readonly hasLength: boolean;
  /** The most bytes of one PATCH. */
  readonly chunk: number;
  /** Whether the blob is sent whole with the commit, by PUT. */
  readonly isWhole: boolean;
  /** Whether the commit has no body, of small blobs too. */
  readonly isSplit: boolean;
}

/** The way to try first. */
export const FIRST_WAY: UploadWay = { hasLength: false, chunk: Infinity, isWhole: false, isSplit: false };

const KIB = 1024;
/** The sizes of a PATCH, in this order, after 413: common limits of proxies are 100 MB, 10 MB and 1 MiB. */
const CHUNKS = [64 * 1024 * KIB, 8 * 1024 * KIB, 1024 * KIB, 256 * KIB, 64 * KIB];

/** Statuses of a registry, or a proxy before it, that takes no PATCH, or none without a length. */
const REFUSALS = new Set([400, 403, 404, 405, 411, 415, 501]);

/** What was sent when a PATCH failed. */
export interface SentPatch {
  /** The bytes of the body. */
  readonly size: number;
  /** The least bytes of a PATCH that is not the last one (`OCI-Chunk-Min-Length`). */
  readonly least: number;
}

/** Returns the way to try after a refused PATCH; `undefined` if there is none. */
export function wayAfter(way: UploadWay, error: HttpError, { size, least }: SentPatch): UploadWay | undefined {
  if (error.status === 413) {
    const largest = Math.min(way.chunk, size);
    const chunk = CHUNKS.find((each) => each < largest);
    if (chunk === undefined || largest <= least) return undefined;
    return { ...way, chunk: Math.max(chunk, least) };
  }
  if (!REFUSALS.has(error.status)) return undefined;
  return way.hasLength ? { ...way, isWhole: true, isSplit: false } : { ...way, hasLength: true };
}

/** Returns the way to try after a refused PUT with the bytes of a small blob; `undefined` if there is none. */
export function wayAfterPut(way: UploadWay, { status }: HttpError): UploadWay | undefined {
  return way.isWhole || way.isSplit || !REFUSALS.has(status) ? undefined : { ...way, isSplit: true };
}

/** Cuts a stream into pieces, each a stream of its own that is read before the next. */
export class StreamPieces {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #rest: Bytes | undefined;

  /** Creates the pieces of a stream. */
  constructor(stream: ByteStream) {
    this.#reader = stream.getReader();
  }

  /** Returns the next piece. The last one reads to the end of the stream, which may fail there if it is verified. */
  next(length: number, { isLast }: { isLast: boolean }): ByteStream {
    let left = length;
    return pullStream({
      read: async () => {
        if (left === 0 && !isLast) return undefined;
        const value = this.#rest ?? (await this.#reader.read()).value;
        const piece = isLast ? value : value?.subarray(0, left);
        this.#rest = value && piece!.length < value.length ? value.subarray(piece!.length) : undefined;
        left -= piece?.length ?? 0;
        return piece;
      },
      cancel: (reason) => this.#reader.cancel(reason),
    });
  }

  /** Cancels the stream. */
  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {}); // it may have failed already
  }
}
