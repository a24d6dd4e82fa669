import { type AbortOptions, mapConcurrent } from "../../io/mod.ts";
import type { RecordStore, StoreListOptions } from "../stores/store.ts";
import { isRepositoryName } from "./names.ts";
import type { RecordIndex } from "./record_index.ts";
import { catalogEntry, catalogKey, catalogName, catalogPosition, LAST, repositoryPath } from "./repository_keys.ts";

const CONCURRENCY = 16;
/** The number of entries that are read at once for the children of a repository. */
const PAGE = 1_000;

/** The names of the repositories that hold a manifest, by an index of entries in their order. */
export class Catalog {
  readonly #records: RecordStore;
  readonly #index: RecordIndex;
  readonly #readOnly: boolean;
  #building: Promise<void> | undefined;

  /** Creates the catalog of a store; one that is read-only writes no index. */
  constructor(records: RecordStore, { index, readOnly }: { index: RecordIndex; readOnly: boolean }) {
    this.#records = records;
    this.#index = index;
    this.#readOnly = readOnly;
  }

  /** Prepares the index before the first record of any repository is written. */
  begin(): Promise<void> {
    return this.#index.begin(ROOT, ROOT);
  }

  /** Adds a repository, which has got a manifest. */
  add(name: string): Promise<void> {
    return this.#index.keep(catalogKey(name));
  }

  /** Removes a repository unless it holds a manifest again. */
  remove(name: string): Promise<void> {
    return this.#index.drop(catalogKey(name), () => this.exists(name));
  }

  /** Returns whether a repository holds a manifest. */
  exists(name: string, options: AbortOptions = {}): Promise<boolean> {
    return this.#holds(name, "_manifests/", options);
  }

  /** Lists the names of the repositories that hold a manifest, sorted. */
  async names(options: StoreListOptions = {}): Promise<string[]> {
    const { after, limit = Infinity, signal } = options;
    if (await this.#isWhole(signal)) {
      const position = after === undefined ? undefined : catalogPosition(after);
      return (await this.#records.list(ENTRIES, { after: position, limit, signal })).map(catalogName);
    }
    const names: string[] = [];
    const exists = (name: string) => this.exists(name, { signal });
    for await (const name of this.#walk("", { after, signal, exists })) {
      if (names.length >= limit) break;
      names.push(name);
    }
    return names;
  }

  /** Lists the last segments of the repositories directly below one that hold a manifest, or lead to one, sorted. */
  async children(name: string, { signal }: AbortOptions = {}): Promise<string[]> {
    if (!await this.#isWhole(signal)) return await this.#folders(name, { signal });
    const prefix = catalogEntry(`${name}/`);
    const children = new Set<string>();
    for (let after = prefix;;) {
      const entries = await this.#records.list(ENTRIES, { after, limit: PAGE, signal });
      const below = entries.filter((entry) => entry.startsWith(prefix));
      for (const entry of below) children.add(catalogName(entry.slice(prefix.length)).split("/")[0]);
      if (below.length < PAGE) return [...children].sort();
      const [last] = catalogName(below.at(-1)!.slice(prefix.length)).split("/");
      const belowLast = prefix + catalogEntry(`${last}/`);
      after = below.at(-1)!.startsWith(belowLast) ? belowLast + LAST : below.at(-1)!;
    }
  }

  /** Lists the names of the repositories that hold a manifest or a blob, sorted, one by one, without the index. */
  eachName(options: AbortOptions = {}): AsyncIterable<string> {
    const exists = async (name: string) =>
      await this.exists(name, options) || await this.#holds(name, "_blobs/", options);
    return this.#walk("", { ...options, exists });
  }

  /** Returns whether the index is whole. If it is not, as in a store of an older version, its making begins. */
  async #isWhole(signal: AbortSignal | undefined): Promise<boolean> {
    if (await this.#index.isWhole(ROOT, { signal })) return true;
    if (!this.#readOnly) {
      this.#building ??= this.#build()
        .catch(() => {}) // the next call tries again, and is answered without the index meanwhile
        .finally(() => this.#building = undefined);
    }
    return false;
  }

  async #build(): Promise<void> {
    const names = await Array.fromAsync(this.#walk("", { exists: (name) => this.exists(name) }));
    await mapConcurrent(names.filter(isRepositoryName), { concurrency: CONCURRENCY }, async (name) => {
      await this.add(name);
      if (!await this.exists(name)) await this.remove(name); // it was emptied meanwhile
    });
    await this.#index.markWhole(ROOT);
  }

  async #holds(name: string, directory: string, { signal }: AbortOptions): Promise<boolean> {
    return (await this.#records.list(repositoryPath(name) + directory, { signal, limit: 1 })).length > 0;
  }

  async #folders(name: string, options: AbortOptions): Promise<string[]> {
    const entries = await this.#records.list(repositoryPath(name), options);
    return entries.filter((entry) => !entry.startsWith("_")).map((entry) => entry.slice(0, -1)).sort();
  }

  /** Lists the names below a path in the order of whole names: `a`, `a-b`, `a/b`, though `a/` is one directory. */
  async *#walk(
    parent: string,
    options: AbortOptions & { after?: string; exists: (name: string) => Promise<boolean> },
  ): AsyncGenerator<string, void, unknown> {
    const { after = "", exists, signal } = options;
    const steps = (await this.#folders(parent, { signal })).flatMap((child) => [child, `${child}/`]).sort();
    for (const step of steps) {
      const name = parent === "" ? step : `${parent}/${step}`;
      if (name.endsWith("/")) {
        if (name > after || after.startsWith(name)) yield* this.#walk(name.slice(0, -1), options);
      } else if (name > after && await exists(name)) {
        yield name;
      }
    }
  }
}

const ROOT = repositoryPath("");
const ENTRIES = `${ROOT}_catalog/`;
