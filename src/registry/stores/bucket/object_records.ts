import { type AbortOptions, KeyedMutex, Limits, readAll } from "../../../io/mod.ts";
import { type Bytes, sameBytes } from "../../../runtime/mod.ts";
import type { ObjectBucket } from "./object_bucket.ts";
import type { RecordStore, StoreListOptions } from "../store.ts";
import { keySegments, pathSegments } from "../store_key.ts";

const ROOT = "records/";
/** The largest record, in bytes: a manifest with a line of its facts. */
const LIMIT = 2 * Limits.manifest;
/** A character that sorts after every character of a key. */
const LAST = "\uffff";

/** The records of an object store: the object of a record has the key of the record. */
export class ObjectRecords implements RecordStore {
  readonly #bucket: ObjectBucket;
  /** Orders replacements within this process, for a bucket without conditional writes. */
  readonly #turns = new KeyedMutex();

  /** Makes the records of a bucket. */
  constructor(bucket: ObjectBucket) {
    this.#bucket = bucket;
  }

  /** @inheritdoc */
  async get(key: string, options: AbortOptions = {}): Promise<Bytes | undefined> {
    const object = objectKey(key);
    const content = await this.#bucket.read(object, options);
    return content && await readAll(content.body, { limit: LIMIT, what: object, ...options });
  }

  /** @inheritdoc */
  async put(key: string, value: Bytes, { signal }: AbortOptions = {}): Promise<void> {
    await this.#bucket.put(objectKey(key), value, { signal });
  }

  /** @inheritdoc */
  async replace(
    key: string,
    value: Bytes,
    { expected, signal }: AbortOptions & { expected: Bytes | undefined },
  ): Promise<boolean> {
    const object = objectKey(key);
    return await this.#turns.run(object, async () => {
      const content = await this.#bucket.read(object, { signal });
      const current = content && await readAll(content.body, { limit: LIMIT, what: object, signal });
      if (!sameBytes(current, expected)) return false;
      return await this.#bucket.put(object, value, { onlyIf: content?.etag ?? "absent", signal }) !== undefined;
    }, { signal });
  }

  /** @inheritdoc */
  async delete(key: string, options: AbortOptions = {}): Promise<boolean> {
    const object = objectKey(key);
    if (!await this.#bucket.has(object, options)) return false;
    await this.#bucket.delete(object, options);
    return true;
  }

  /** @inheritdoc */
  async deleteMany(keys: readonly string[], options: AbortOptions = {}): Promise<void> {
    await this.#bucket.deleteMany(keys.map(objectKey), options);
  }

  /** @inheritdoc */
  async list(path: string, options: StoreListOptions = {}): Promise<string[]> {
    const { after, limit = Infinity, signal } = options;
    const prefix = ROOT + path;
    pathSegments(path);
    const names: string[] = [];
    let from = after === undefined ? undefined : afterName(prefix, after);
    while (names.length < limit) {
      const wanted = limit - names.length;
      const page = await this.#bucket.list(prefix, {
        after: from,
        folders: true,
        signal,
        ...(wanted < Infinity && { limit: wanted }),
      });
      const found = [...page.objects.map(({ key }) => key), ...page.folders].map((key) => key.slice(prefix.length));
      // Some services list the folder again after which the list was to start.
      const following = found.filter((name) => names.at(-1) !== name && (after === undefined || name > after)).sort();
      names.push(...following);
      if (!page.hasMore || found.length === 0) break;
      from = afterName(prefix, found.sort().at(-1)!);
    }
    return names.slice(0, limit);
  }
}

/** Returns a key that sorts after the name and, for a folder, after its content. */
function afterName(prefix: string, name: string): string {
  return prefix + name + (name.endsWith("/") ? LAST : "");
}

function objectKey(key: string): string {
  keySegments(key);
  return ROOT + key;
}
