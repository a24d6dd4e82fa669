/** The members of an R2 object that the store uses. */
export interface R2ObjectLike {
  /** Its key. */
  readonly key: string;
  /** Its version. */
  readonly etag: string;
  /** The time when it was written. */
  readonly uploaded: Date;
  /** The number of its bytes. */
  readonly size: number;
}

/** The members of an R2 multipart upload that the store uses. */
export interface R2MultipartUploadLike {
  /** The id that R2 gave it. */
  readonly uploadId: string;
  /** Writes a part. */
  uploadPart(number: number, value: Uint8Array): Promise<{ readonly etag: string }>;
  /** Makes the object. */
  complete(parts: { partNumber: number; etag: string }[]): Promise<unknown>;
  /** Drops the parts. */
  abort(): Promise<void>;
}

/** The members of an R2 bucket binding that the store uses; `R2Bucket` of Cloudflare's types has them. */
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
  /** Starts an object in parts. */
  createMultipartUpload(key: string): Promise<R2MultipartUploadLike>;
  /** Continues an object in parts. */
  resumeMultipartUpload(key: string, uploadId: string): R2MultipartUploadLike;
}
