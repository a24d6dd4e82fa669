import { type AbortOptions, BoundedMap, errorCode, missingIsUndefined } from "../../../io/mod.ts";
import {
  baseName,
  type Bytes,
  dirName,
  joinPath,
  lstat,
  platformOs,
  readFile,
  remove,
  removeOldTemporaries,
  writeFileAtomic,
} from "../../../runtime/mod.ts";
import { DirectoryNames } from "./directory_names.ts";
import { atFile, inDirectory } from "./file_access.ts";
import { CASE_BLIND, type FileNames, PLAIN } from "./file_names.ts";
import type { RecordStore, StoreListOptions, StorePutOptions } from "../store.ts";
import { keySegments, pathSegments, positionAfter } from "../store_key.ts";

/** How often a directory is searched for old temporary files, and how many directories are remembered. */
const TIDY_EACH_MS = 60 * 60 * 1000;
const TIDIED = 10_000;

/** Options of {@linkcode FileRecords}. */
export interface FileRecordsOptions {
  /** Whether writes wait until durable records are on the disk. */
  readonly sync: boolean;
  /**
   * Whether the file system ignores the case of letters.
   * @default it does on Windows and macOS
   */
  readonly ignoresCase?: boolean;
}

/** The records of a file store: the file of a record has the path of its key, each part as {@linkcode FileNames} has it. */
export class FileRecords implements RecordStore {
  readonly #root: string;
  readonly #sync: boolean;
  readonly #names: DirectoryNames;
  readonly #fileNames: FileNames;
  /** When directories were last searched for old temporary files. */
  readonly #tidied = new BoundedMap<string, number>(TIDIED);

  /** Makes the records of a directory, which need not exist yet. */
  constructor(root: string, { sync, ignoresCase }: FileRecordsOptions) {
    this.#root = root;
    this.#sync = sync;
    this.#fileNames = ignoresCase ?? ["windows", "darwin"].includes(platformOs()) ? CASE_BLIND : PLAIN;
    this.#names = new DirectoryNames(this.#fileNames);
  }

  /** @inheritdoc */
  async get(key: string, options: AbortOptions = {}): Promise<Bytes | undefined> {
    options.signal?.throwIfAborted();
    const path = this.#path(key);
    return await atFile("read", path, async () => {
      try {
        return await readFile(path);
      } catch (error) {
        // A directory of further records is not one.
        return errorCode(error) === "EISDIR" ? undefined : missingIsUndefined(error);
      }
    });
  }

  /** @inheritdoc */
  async put(key: string, value: Bytes, options: StorePutOptions = {}): Promise<void> {
    const { durable = true, signal } = options;
    signal?.throwIfAborted();
    const path = this.#path(key);
    const sync = durable && this.#sync;
    await this.#tidy(dirName(path));
    const write = () => writeFileAtomic(path, value, { sync, signal, tidy: false });
    const put = () => inDirectory(path, sync, write, (made, make) => this.#change(made, make));
    await atFile("write", path, () => this.#change(path, put));
  }

  /** Runs a change of a path, which lists of its directory show afterwards. */
  async #change(path: string, work: () => Promise<unknown>): Promise<void> {
    // The directory of the records themselves is in no list.
    if (path.length <= this.#root.length) await work();
    else await this.#names.change(dirName(path), baseName(path), work);
  }

  /** Removes what killed servers left in a directory: not with each write, since a list of many records takes long. */
  async #tidy(directory: string): Promise<void> {
    const now = Date.now();
    if (now - (this.#tidied.get(directory) ?? 0) < TIDY_EACH_MS) return;
    this.#tidied.set(directory, now);
    await removeOldTemporaries(directory);
  }

  /** @inheritdoc */
  async delete(key: string, options: AbortOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const path = this.#path(key);
    return await atFile("remove", path, async () => {
      if ((await lstat(path).catch(missingIsUndefined))?.kind !== "file") return false;
      await this.#change(path, () => remove(path));
      return true;
    });
  }

  /** @inheritdoc A directory without records, which removed records left behind, does not count. */
  async list(path: string, options: StoreListOptions = {}): Promise<string[]> {
    const { after, limit = Infinity, signal } = options;
    signal?.throwIfAborted();
    const directory = this.#fileOf(pathSegments(path));
    return await atFile("list", directory, async () => {
      const names = await this.#names.in(directory);
      const found: string[] = [];
      for (let i = positionAfter(names, after); i < names.length && found.length < limit; i++) {
        const name = names[i];
        if (name.endsWith("/")) {
          signal?.throwIfAborted();
          if (!await this.#holdsRecord(this.#below(directory, name))) continue;
        }
        found.push(name);
      }
      return found;
    });
  }

  async #holdsRecord(directory: string): Promise<boolean> {
    const names = await this.#names.in(directory);
    if (names.some((name) => !name.endsWith("/"))) return true;
    for (const name of names) if (await this.#holdsRecord(this.#below(directory, name))) return true;
    return false;
  }

  /** Returns the path of a directory whose listed name ends with `/`. */
  #below(directory: string, name: string): string {
    return joinPath(directory, this.#fileNames.fileOf(name.slice(0, -1)));
  }

  #path(key: string): string {
    return this.#fileOf(keySegments(key));
  }

  #fileOf(segments: readonly string[]): string {
    return joinPath(this.#root, ...segments.map(this.#fileNames.fileOf));
  }
}
