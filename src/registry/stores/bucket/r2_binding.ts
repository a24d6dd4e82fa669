/** What is used of an object that an R2 binding tells of. */
export interface R2ObjectLike {
  /** Its key. */
  readonly key: string;
  /** The version that it is. */
  readonly etag: string;
  /** When it was written. */
  readonly uploaded: Date;
}

/** What is used of an upload in parts of an R2 binding. */
export interface R2MultipartUploadLike {
  /** What R2 calls it. */
  readonly uploadId: string;
  /** Writes a part. */
  uploadPart(number: number, value: Uint8Array): Promise<{ readonly etag: string }>;
  /** Makes the object. */
  complete(parts: { partNumber: number; etag: string }[]): Promise<unknown>;
  /** Drops the parts. */
  abort(): Promise<void>;
}

/** What is used of an R2 bucket that is bound to a Worker: `R2Bucket` of Cloudflare's types is one. */
export interface R2BucketLike {
  /** Looks for an object. */
  head(key: string): Promise<R2ObjectLike | null>;
  /** Reads an object. */
  get(
    key: string,
    options?: { range?: { offset: number; length?: number } },
  ): Promise<R2ObjectLike & { readonly body: ReadableStream } | null>;
  /** Writes an object. */
  put(
    key: string,
    value: Uint8Array,
    options?: { onlyIf?: { etagMatches?: string; etagDoesNotMatch?: string } },
  ): Promise<R2ObjectLike | null>;
  /** Removes objects. */
  delete(keys: string | string[]): Promise<void>;
  /** Lists objects. */
  list(
    options?: { prefix?: string; startAfter?: string; delimiter?: string; limit?: number },
  ): Promise<{ objects: R2ObjectLike[]; delimitedPrefixes: string[]; truncated: boolean }>;
  /** Begins an object in parts. */
  createMultipartUpload(key: string): Promise<R2MultipartUploadLike>;
  /** Goes on with one. */
  resumeMultipartUpload(key: string, uploadId: string): R2MultipartUploadLike;
}
