import { collectStoreGarbage, type RegistryStore } from "../../src/registry/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import type { GrowthRow } from "./growth.ts";

/** The names that a call of a bucket lists. */
const PAGE = 1_000;
/** The manifests of a repository, each of which mentions ten blobs of its own. */
const MANIFESTS = 1_000;
const BLOBS_OF_MANIFEST = 10;
/** One blob in so many is garbage. */
const GARBAGE = 100;
const DAY = 24 * 3_600_000;
const NOW = 100 * DAY;
const OLD = new TextEncoder().encode("1");
/** The ends of digests by their number in a page: a list costs little beside the collection, which is measured. */
const ENDS = Array.from({ length: PAGE }, (_, i) => String(i).padStart(3, "0") + "0".repeat(50));
const LINKS = ENDS.map((end) => `${end}.${"0".repeat(32)}`);
/** The mentions of the blobs that are not garbage; the other names are no records. */
const MENTIONS = LINKS.map((link, i) => i % GARBAGE === 0 ? `${link}_` : `${link}.${"0".repeat(64)}`);

/** The collection of garbage in a store of as many blobs. */
export const storeGarbageRow: GrowthRow = {
  name: "storage gc",
  sizes: [1_000_000, 3_000_000, 10_000_000, 30_000_000],
  prepare(size) {
    const store = new SimulatedStore(size);
    return async () => {
      const { blobs } = await collectStoreGarbage(store, { clock: () => NOW });
      const expected = Math.ceil(store.perPrefix / GARBAGE) * 256;
      if (blobs !== expected) throw new Error(`the collection removed ${blobs} blobs instead of ${expected}`);
      return store.calls;
    };
  },
};

/** A store of a bucket that computes its content: blobs with claims, links and mentions, and manifests with records. */
class SimulatedStore implements RegistryStore {
  /** The calls so far, as many as a bucket needs. */
  calls = 0;
  /** The blobs with the same first two digits. */
  readonly perPrefix: number;
  readonly #repositories: number;

  constructor(size: number) {
    this.perPrefix = Math.round(size / 256);
    this.#repositories = Math.ceil(size / BLOBS_OF_MANIFEST / MANIFESTS);
  }

  readonly records: RegistryStore["records"] = {
    get: (key) => {
      this.calls++;
      return Promise.resolve(key.startsWith("claims/") || key.includes("/_mentions/") ? OLD : undefined);
    },
    put: () => Promise.resolve(void this.calls++),
    delete: () => Promise.resolve(++this.calls > 0),
    deleteMany: (keys) => Promise.resolve(void (this.calls += Math.ceil(keys.length / PAGE))),
    list: (path, { after, limit = Infinity } = {}) => {
      const names = this.#list(path, after, Math.min(limit, PAGE));
      this.calls++;
      return Promise.resolve(names);
    },
  };

  readonly blobs: RegistryStore["blobs"] = {
    get: () => {
      this.calls++;
      return Promise.resolve({ size: 3_300_000, modified: 1, read: () => Promise.reject(new Error("no bytes")) });
    },
    list: (options) => this.#listBlobs(options?.prefix),
    delete: () => Promise.resolve(++this.calls > 0),
    // For each blob its entry is read and the state of an upload written; the rest is by batches.
    deleteMany: (digests) => {
      this.calls += 2 * digests.length + 3;
      return Promise.resolve([...digests]);
    },
  };

  readonly uploads: RegistryStore["uploads"] = {
    list: () => emptyList(),
    size: () => Promise.resolve(0),
    append: () => Promise.reject(new Error("no uploads")),
    finish: () => Promise.reject(new Error("no uploads")),
    cancel: () => Promise.resolve(),
  };

  async *#listBlobs(prefix: { algorithm: string; digits: string } | undefined): AsyncGenerator<Hash, void, undefined> {
    this.calls++;
    if (prefix?.algorithm !== "sha256") return;
    for (let i = 0; i < this.perPrefix; i++) {
      if (i > 0 && i % PAGE === 0) {
        this.calls++;
        await Promise.resolve();
      }
      yield `sha256:${start(prefix.digits, i)}${ENDS[i % PAGE]}`;
    }
  }

  #list(path: string, after: string | undefined, limit: number): string[] {
    const [, folder, digits] = /^(mentions|claims)\/(?:(..)\/)?$/.exec(path) ?? [];
    if (folder !== undefined && digits === undefined) {
      return after === undefined ? Array.from({ length: 256 }, (_, i) => `${i.toString(16).padStart(2, "0")}/`) : [];
    }
    if (folder === "claims") return this.#range(after, this.perPrefix, limit, (i) => digestName(digits, i));
    if (folder === "mentions") {
      // A link, and a mention of the blobs that are not garbage.
      return this.#range(after, 2 * this.perPrefix, limit, (i) => {
        return digestName(digits, i >> 1, i % 2 === 0 ? LINKS : MENTIONS);
      });
    }
    if (path === "repositories/") {
      return this.#range(after, this.#repositories, limit, (i) => `r${String(i).padStart(9, "0")}/`);
    }
    if (/^repositories\/[^/]+\/$/.test(path)) {
      return after === undefined ? ["_blobs/", "_manifests/", "_mentions/"] : [];
    }
    if (path.endsWith("/_manifests/") || path.endsWith("/_mentions/")) {
      return this.#range(after, MANIFESTS, limit, (i) => digestName("00", i));
    }
    return [];
  }

  /** Returns a page of names that are made from their numbers, in whose order they sort. */
  #range(after: string | undefined, total: number, limit: number, nameOf: (i: number) => string): string[] {
    let [low, high] = [0, after === undefined ? 0 : total];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nameOf(middle) > after!) high = middle;
      else low = middle + 1;
    }
    return Array.from({ length: Math.max(0, Math.min(limit, total - low)) }, (_, i) => nameOf(low + i));
  }
}

/** Returns the start of a digest with two first digits and a number, of which `ENDS` has the last three digits. */
function start(digits: string, i: number): string {
  return digits + String(1_000_000_000 + Math.floor(i / PAGE)).slice(1);
}

function digestName(digits: string, i: number, ends: readonly string[] = ENDS): string {
  return `sha256-${start(digits, i)}${ends[i % PAGE]}`;
}

async function* emptyList(): AsyncGenerator<never, void, undefined> {}
