import type { AbortOptions } from "../../../io/mod.ts";
import {
  type Bytes,
  joinPath,
  lstat,
  readDirectory,
  readFile,
  remove,
  writeFileAtomic,
  type WriteFileOptions,
} from "../../../runtime/mod.ts";
import { atFile, holdsFile, inDirectory, missingIsUndefined } from "./file_access.ts";
import type { StoreListOptions } from "../store.ts";
import { isSegment, keySegments, pathSegments } from "../store_key.ts";

/** The records of a file store: the file of a record has the path of its key. */
export class FileRecords {
  readonly #root: string;

  /** Makes it over a directory that need not be there yet. */
  constructor(root: string) {
    this.#root = root;
  }

  /** See `RegistryStore.get`. */
  async get(key: string, options: AbortOptions = {}): Promise<Bytes | undefined> {
    options.signal?.throwIfAborted();
    const path = this.#path(key);
    return await atFile("read", path, () => readFile(path).catch(missingIsUndefined));
  }

  /** See `RegistryStore.put`. */
  async put(key: string, value: Bytes, options: Pick<WriteFileOptions, "sync" | "signal"> = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const path = this.#path(key);
    await atFile(
      "write",
      path,
      () => inDirectory(path, options.sync ?? false, () => writeFileAtomic(path, value, options)),
    );
  }

  /** See `RegistryStore.delete`. */
  async delete(key: string, options: AbortOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const path = this.#path(key);
    return await atFile("remove", path, async () => {
      if ((await lstat(path).catch(missingIsUndefined))?.kind !== "file") return false;
      await remove(path);
      return true;
    });
  }

  /** See `RegistryStore.list`. A directory that records left behind when they went does not count. */
  async list(path: string, options: StoreListOptions = {}): Promise<string[]> {
    const { after, limit = Infinity, signal } = options;
    signal?.throwIfAborted();
    const directory = joinPath(this.#root, ...pathSegments(path));
    const entries = await atFile("list", directory, () => readDirectory(directory).catch(missingIsUndefined)) ?? [];
    const names = entries
      .filter((entry) => isSegment(entry.name) && (entry.kind === "file" || entry.kind === "directory"))
      .map((entry) => entry.kind === "directory" ? `${entry.name}/` : entry.name)
      .filter((name) => after === undefined || name > after)
      .sort();
    const found: string[] = [];
    for (const name of names) {
      if (found.length >= limit) break;
      signal?.throwIfAborted();
      if (!name.endsWith("/") || await holdsFile(joinPath(directory, name))) found.push(name);
    }
    return found;
  }

  #path(key: string): string {
    return joinPath(this.#root, ...keySegments(key));
  }
}
