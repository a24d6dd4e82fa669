import { createHash } from "node:crypto";
import type { R2BucketLike } from "../../src/registry/mod.ts";

interface Stored {
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly uploaded: Date;
  readonly size: number;
}

/** Parts but the last must have one size, of at least this. */
const SMALLEST_PART = 5 * 1024 * 1024;

/** The binding of an R2 bucket, in memory: what the one under miniflare does, where there is no workerd. */
export class FakeR2 implements R2BucketLike {
  /** The objects by their keys. */
  readonly objects: Map<string, Stored> = new Map();
  readonly #uploads = new Map<string, Map<number, Uint8Array<ArrayBuffer>>>();
  #count = 0;

  head(key: string): Promise<Stored | null> {
    return Promise.resolve(this.objects.get(key) ?? null);
  }

  async get(
    key: string,
    { range }: { range?: { offset: number; length?: number } } = {},
  ): Promise<Stored & { body: ReadableStream } | null> {
    const found = await this.head(key);
    if (!found) return null;
    const { offset = 0, length = Infinity } = range ?? {};
    if (offset > 0 && offset >= found.bytes.length) throw new Error("get: The requested range is not satisfiable");
    return { ...found, body: new Blob([found.bytes.subarray(offset, offset + length)]).stream() };
  }

  async put(
    key: string,
    value: Uint8Array,
    { onlyIf }: { onlyIf?: { etagMatches?: string; etagDoesNotMatch?: string } } = {},
  ): Promise<Stored | null> {
    await Promise.resolve();
    const there = this.objects.get(key); // no other write comes between the look and the write
    if (onlyIf?.etagMatches !== undefined && there?.etag !== onlyIf.etagMatches) return null;
    if (onlyIf?.etagDoesNotMatch !== undefined && there) {
      if (["*", there.etag].includes(onlyIf.etagDoesNotMatch)) return null;
    }
    const stored = {
      key,
      bytes: value.slice(),
      size: value.length,
      etag: `etag${++this.#count}`,
      uploaded: new Date(),
    };
    this.objects.set(key, stored);
    return stored;
  }

  delete(keys: string | string[]): Promise<void> {
    for (const key of [keys].flat()) this.objects.delete(key);
    return Promise.resolve();
  }

  list(
    { prefix = "", startAfter = "", delimiter, limit = 1000 }: Parameters<R2BucketLike["list"]>[0] = {},
  ): ReturnType<R2BucketLike["list"]> {
    const objects: Stored[] = [];
    const delimitedPrefixes: string[] = [];
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > startAfter).sort();
    for (const key of keys) {
      const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
      const folder = end < 0 ? undefined : key.slice(0, end + 1);
      if (folder !== undefined && delimitedPrefixes.at(-1) === folder) continue;
      if (objects.length + delimitedPrefixes.length === limit) {
        return Promise.resolve({ objects, delimitedPrefixes, truncated: true });
      }
      if (folder !== undefined) delimitedPrefixes.push(folder);
      else objects.push(this.objects.get(key)!);
    }
    return Promise.resolve({ objects, delimitedPrefixes, truncated: false });
  }

  createMultipartUpload(key: string): ReturnType<R2BucketLike["createMultipartUpload"]> {
    const id = `upload${++this.#count}`;
    this.#uploads.set(id, new Map());
    return Promise.resolve(this.resumeMultipartUpload(key, id));
  }

  resumeMultipartUpload(key: string, uploadId: string): ReturnType<R2BucketLike["resumeMultipartUpload"]> {
    const parts = () => {
      const found = this.#uploads.get(uploadId);
      if (!found) throw new Error("The specified multipart upload does not exist. (10024)");
      return found;
    };
    return {
      uploadId,
      uploadPart: (number, value) => {
        const bytes = value.slice();
        return Promise.resolve().then(() => (parts().set(number, bytes), { etag: etagOf(bytes) }));
      },
      complete: async (asked) => {
        const chosen = asked.map(({ partNumber, etag }) => {
          const bytes = parts().get(partNumber);
          if (!bytes || etagOf(bytes) !== etag) throw new Error("One or more of the parts could not be found. (10025)");
          return bytes;
        });
        const sizes = new Set(chosen.slice(0, -1).map(({ length }) => length));
        if (sizes.size > 1 || [...sizes].some((size) => size < SMALLEST_PART)) {
          throw new Error("All non-trailing parts must have the same length, of 5 MiB at least. (10048)");
        }
        this.#uploads.delete(uploadId);
        return await this.put(key, new Uint8Array(await new Blob(chosen).arrayBuffer()));
      },
      abort: () => Promise.resolve().then(() => void (parts() && this.#uploads.delete(uploadId))),
    };
  }
}

function etagOf(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
