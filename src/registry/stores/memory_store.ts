import { DigestMismatchError } from "../../errors.ts";
import { type AbortOptions, chunks } from "../../io/mod.ts";
import { type Bytes, type ByteStream, sameBytes } from "../../runtime/mod.ts";
import { type Algorithm, type Hash, hashAlgorithm } from "../../spec/mod.ts";
import { RunningHash } from "./running_hash.ts";
import {
  type BlobListOptions,
  type BlobRange,
  type BlobStore,
  type RecordStore,
  type RegistryStore,
  type StoreAppendOptions,
  type StoredBlob,
  type StoredUpload,
  type StoreFinishOptions,
  type StoreListOptions,
  type StoreUsage,
  uploadConflict,
  type UploadStore,
} from "./store.ts";
import { checkUploadId, keySegments, pathSegments, positionAfter } from "./store_key.ts";

/** Makes a store in memory, whose content is lost with it. Blobs are kept in the chunks that they came in. */
export function memoryStore(): RegistryStore {
  const blobs = new MemoryBlobs();
  return { records: new MemoryRecords(), blobs, uploads: new MemoryUploads(blobs) };
}

/** A directory of records: values by name, and directories by name. */
interface Directory {
  readonly values: Map<string, Bytes>;
  readonly directories: Map<string, Directory>;
  /** The sorted names of both, while neither has got or lost one. */
  names?: readonly string[];
}

class MemoryRecords implements RecordStore {
  readonly #root: Directory = emptyDirectory();

  async get(key: string, options: AbortOptions = {}): Promise<Bytes | undefined> {
    await nextTurn(options);
    const segments = keySegments(key);
    const name = segments.pop()!;
    return this.#directory(segments)?.values.get(name);
  }

  async put(key: string, value: Bytes, options: AbortOptions = {}): Promise<void> {
    await nextTurn(options);
    this.#write(key, value);
  }

  #write(key: string, value: Bytes): void {
    const segments = keySegments(key);
    const name = segments.pop()!;
    let directory = this.#root;
    for (const segment of segments) {
      let next = directory.directories.get(segment);
      if (!next) {
        directory.directories.set(segment, next = emptyDirectory());
        directory.names = undefined;
      }
      directory = next;
    }
    if (!directory.values.has(name)) directory.names = undefined;
    directory.values.set(name, value.slice());
  }

  async replace(
    key: string,
    value: Bytes,
    options: AbortOptions & { expected: Bytes | undefined },
  ): Promise<boolean> {
    await nextTurn(options);
    const segments = keySegments(key);
    const name = segments.pop()!;
    if (!sameBytes(this.#directory(segments)?.values.get(name), options.expected)) return false;
    this.#write(key, value);
    return true;
  }

  async delete(key: string, options: AbortOptions = {}): Promise<boolean> {
    await nextTurn(options);
    const segments = keySegments(key);
    const name = segments.pop()!;
    const directory = this.#directory(segments);
    if (!directory?.values.delete(name)) return false;
    directory.names = undefined;
    this.#prune(segments);
    return true;
  }

  async list(path: string, options: StoreListOptions = {}): Promise<string[]> {
    await nextTurn(options);
    const { after, limit = Infinity } = options;
    const directory = this.#directory(pathSegments(path));
    if (!directory) return [];
    directory.names ??= [...directory.values.keys(), ...directory.directories.keys().map((name) => `${name}/`)].sort();
    const first = positionAfter(directory.names, after);
    return directory.names.slice(first, first + limit);
  }

  #directory(segments: readonly string[]): Directory | undefined {
    let directory: Directory | undefined = this.#root;
    for (const segment of segments) directory = directory?.directories.get(segment);
    return directory;
  }

  /** Removes the empty directories of a path, from its end on. */
  #prune(segments: string[]): void {
    while (segments.length > 0) {
      const directory = this.#directory(segments)!;
      if (directory.values.size + directory.directories.size > 0) return;
      const name = segments.pop()!;
      const parent = this.#directory(segments)!;
      parent.directories.delete(name);
      parent.names = undefined;
    }
  }
}

/** Bytes in the chunks that they came in. */
interface Content {
  readonly parts: Bytes[];
  size: number;
  modified: number;
}

class MemoryBlobs implements BlobStore {
  readonly #contents: Map<Hash, Content> = new Map();

  async get(digest: Hash, options: AbortOptions = {}): Promise<StoredBlob | undefined> {
    await nextTurn(options);
    const content = this.#contents.get(digest);
    if (!content) return undefined;
    const { size, modified } = content;
    return { size, modified, read: (range) => Promise.resolve(contentStream(content, range)) };
  }

  async *list(options: BlobListOptions = {}): AsyncGenerator<Hash, void, undefined> {
    await nextTurn(options);
    const { algorithm = "", digits = "" } = options.prefix ?? {};
    const prefix = algorithm && `${algorithm}:${digits}`;
    yield* [...this.#contents.keys()].filter((digest) => digest.startsWith(prefix));
  }

  async usage(options: AbortOptions = {}): Promise<StoreUsage> {
    await nextTurn(options);
    const contents = [...this.#contents.values()];
    return { blobs: contents.length, bytes: contents.reduce((sum, { size }) => sum + size, 0) };
  }

  async delete(digest: Hash, options: AbortOptions = {}): Promise<boolean> {
    await nextTurn(options);
    return this.#contents.delete(digest);
  }

  /** Adds a blob, unless it is there already. */
  add(digest: Hash, { parts, size }: Pick<Content, "parts" | "size">): void {
    if (!this.#contents.has(digest)) this.#contents.set(digest, { parts: [...parts], size, modified: Date.now() });
  }
}

interface Upload extends Content {
  hash: RunningHash;
}

class MemoryUploads implements UploadStore {
  readonly #blobs: MemoryBlobs;
  readonly #uploads: Map<string, Upload> = new Map();

  constructor(blobs: MemoryBlobs) {
    this.#blobs = blobs;
  }

  async *list(options: AbortOptions = {}): AsyncGenerator<StoredUpload, void, undefined> {
    await nextTurn(options);
    for (const [id, { modified }] of [...this.#uploads]) yield { id, modified };
  }

  async size(id: string, options: AbortOptions = {}): Promise<number> {
    await nextTurn(options);
    return this.#uploads.get(checkUploadId(id))?.size ?? 0;
  }

  async append(id: string, body: ByteStream, options: StoreAppendOptions = {}): Promise<number> {
    checkUploadId(id);
    const { algorithm = "sha256", signal } = options;
    let { size } = options;
    const hash = await RunningHash.start(algorithm);
    const upload = this.#uploads.get(id) ?? { parts: [], size: 0, modified: Date.now(), hash };
    const check = () => {
      if (size === undefined || upload.size === size && this.#uploads.get(id) === upload) return;
      throw uploadConflict(id);
    };
    if (size === undefined || size === upload.size) this.#uploads.set(id, upload);
    else body.cancel().catch(() => {});
    check();
    for await (const chunk of chunks(body, { signal })) {
      check();
      upload.parts.push(chunk);
      upload.size += chunk.length;
      upload.hash.update(chunk);
      upload.modified = Date.now();
      if (size !== undefined) size = upload.size;
    }
    check();
    return upload.size;
  }

  async finish(id: string, digest: Hash, options: StoreFinishOptions = {}): Promise<number> {
    await nextTurn(options);
    const algorithm = hashAlgorithm(digest);
    const upload = this.#uploads.get(checkUploadId(id));
    if ((upload?.size ?? 0) !== (options.size ?? upload?.size ?? 0)) throw uploadConflict(id);
    this.#uploads.delete(id);
    const { parts, size } = upload ?? { parts: [], size: 0 };
    const hash = upload?.hash.algorithm === algorithm ? upload.hash : await hashParts(parts, algorithm);
    const actual = await hash.digest();
    if (actual !== digest) {
      throw new DigestMismatchError(`upload ${id} has the digest ${actual} instead of ${digest}`);
    }
    this.#blobs.add(digest, { parts, size });
    return size;
  }

  async cancel(id: string, options: AbortOptions = {}): Promise<void> {
    await nextTurn(options);
    this.#uploads.delete(checkUploadId(id));
  }
}

function emptyDirectory(): Directory {
  return { values: new Map(), directories: new Map() };
}

/** Rejects for an aborted signal. Awaited first in each call, so that misuse rejects too instead of throwing. */
function nextTurn({ signal }: AbortOptions): Promise<void> {
  return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve();
}

async function hashParts(parts: readonly Bytes[], algorithm: Algorithm): Promise<RunningHash> {
  const hash = await RunningHash.start(algorithm);
  for (const part of parts) hash.update(part);
  return hash;
}

function contentStream(content: Content, range: BlobRange & AbortOptions = {}): ByteStream {
  const { offset = 0, length = content.size - offset, signal } = range;
  let skip = offset;
  let left = Math.min(length, content.size - offset);
  let index = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      signal?.throwIfAborted();
      while (left > 0 && skip >= content.parts[index].length) skip -= content.parts[index++].length;
      if (left <= 0) return controller.close();
      const chunk = content.parts[index++].subarray(skip, skip + left);
      skip = 0;
      left -= chunk.length;
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}
