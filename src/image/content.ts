import { type AbortOptions, observe, sizeMismatch, sliceStream, streamOf, verifyStream } from "../io/mod.ts";
import type { Bytes, ByteStream, OpenFile } from "../runtime/mod.ts";
import type { Hash } from "../spec/mod.ts";

/** A repository that holds a blob, so that a registry can mount it from there instead of receiving it. */
export interface BlobOrigin {
  /** The registry's host, with its port if it has one. */
  readonly registry: string;
  /** The path of the repository in that registry. */
  readonly repository: string;
}

/** The digest and the size of a blob. */
export interface BlobIdentity {
  /** The digest of the bytes. */
  readonly digest: Hash;
  /** The number of bytes. */
  readonly size: number;
}

/** Options of {@linkcode Content.open}. */
export interface OpenContentOptions extends AbortOptions {
  /**
   * The first byte to read.
   * @default 0
   */
  offset?: number;
}

/**
 * Where the bytes of a {@linkcode Content} lie, unverified, for a sink that hands them to the runtime whole so that
 * they do not pass through JavaScript: bytes in memory, a part of a file, or the untouched body of a response.
 */
export type Place =
  | { readonly kind: "bytes"; readonly bytes: Bytes }
  | {
    readonly kind: "file";
    /** Opens the file, checked; the caller closes it. */
    open(options?: AbortOptions): Promise<OpenFile>;
    /** The first byte of the content in the file. */
    readonly offset: number;
    /** The number of bytes. */
    readonly length: number;
  }
  | {
    readonly kind: "response";
    /** Gets a response with status 200 and a body of the content's size that is not encoded; redirects are followed. */
    get(options?: AbortOptions): Promise<Response>;
    /** The longest wait for a further byte, in milliseconds; 0 for no limit. */
    readonly stallMs: number;
  };

/**
 * Bytes to store or to send: a layer or another blob as it is stored. All views of one layer (with other annotations or
 * another media type) share one object, which stands for the bytes while they have no digest.
 */
export interface Content {
  /** The digest and the size: given, or known once {@linkcode Content.open} was read to its end; before, `undefined`. */
  readonly identity: BlobIdentity | undefined;
  /** Whether the bytes can be read only once. */
  readonly once: boolean;
  /** Repositories that hold the blob. */
  readonly origins: readonly BlobOrigin[];
  /**
   * Opens the bytes. From the first byte on they are verified on the way: the stream fails before it closes. From a
   * later byte on their number alone is.
   */
  open(options?: OpenContentOptions): Promise<ByteStream>;
  /**
   * Learns the identity of bytes that lie in a file, without a stream of them; `undefined` where only reading teaches it.
   */
  measure?(options?: AbortOptions): Promise<BlobIdentity>;
  /** Where the bytes lie; `undefined` where they are made while they are read, or each chunk must be seen. */
  readonly place?: Place;
}

/** The least that makes a {@linkcode Content} of bytes that have a digest. */
export interface ContentCore {
  /** The digest and the size. */
  readonly identity: BlobIdentity;
  /** Opens the bytes; they need not be verified. A source that can't begin at an offset may ignore it. */
  open(options: OpenContentOptions): Promise<ByteStream>;
  /**
   * Whether `open` begins at the offset that it is given.
   * @default false
   */
  readonly ranges?: boolean;
  /**
   * Repositories that hold the blob.
   * @default none
   */
  readonly origins?: readonly BlobOrigin[];
  /**
   * Where the bytes lie.
   * @default not known
   */
  readonly place?: Place;
  /** What to call the bytes in an error. */
  readonly what: string;
}

/** Makes a content of bytes that have a digest: the stream is verified. */
export function contentOf(core: ContentCore): Content {
  const { identity, origins = [], place, ranges = false, what } = core;
  return {
    identity,
    once: false,
    origins,
    async open({ offset = 0, signal } = {}) {
      if (offset === 0) return verifyStream(await core.open({ signal }), identity, what);
      const stream = await core.open({ offset, signal });
      let position = offset;
      return observe(ranges ? stream : sliceStream(stream, { offset }), {
        chunk: ({ length }) => position += length,
        end() {
          if (position !== identity.size) throw sizeMismatch(what, position, identity.size);
        },
      });
    },
    place,
  };
}

/** Makes a content of bytes in memory. */
export function contentOfBytes(bytes: Bytes, identity: BlobIdentity): Content {
  return contentOf({
    identity,
    open: () => Promise.resolve(streamOf(bytes)),
    place: { kind: "bytes", bytes },
    what: identity.digest,
  });
}
