import { Journal, type JournalLine } from "../io/mod.ts";
import type { Hash } from "../spec/mod.ts";

/** Options of {@linkcode CopyJournal.open}. */
export interface CopyJournalOptions {
  /** Identifies this copy: its source, its destination, and the options that decide what is copied. */
  readonly identity: JournalLine;
  /** Whether to leave the file unchanged and record nothing. */
  readonly readOnly: boolean;
}

/** The copied part of a repository that is not complete. */
export interface PartialCopy {
  /** Returns whether a manifest of the source was copied with these tags. */
  has(digest: Hash, tags: readonly string[]): boolean;
  /** Returns whether a tag was set. */
  hasTag(tag: string): boolean;
}

/** The completed work of a copy of repositories, in a file, so that an interrupted copy can be continued. */
export class CopyJournal {
  readonly #done: Set<string>;
  readonly #partial: Map<string, Map<Hash, Set<string>>>;
  readonly #file: Journal | undefined;
  readonly #prefix: string;

  private constructor(state: Pick<State, "done" | "partial">, file: Journal | undefined, prefix = "") {
    this.#done = state.done;
    this.#partial = state.partial;
    this.#file = file;
    this.#prefix = prefix;
  }

  /**
   * Returns the journal of one of several copies in this file, by a name of its own. This journal alone ends and closes
   * the file.
   */
  part(name: string): CopyJournal {
    return new CopyJournal({ done: this.#done, partial: this.#partial }, this.#file, `${name} `);
  }

  /** Creates a journal that records nothing. */
  static none(): CopyJournal {
    return new CopyJournal(new State(), undefined);
  }

  /**
   * Opens the journal at a path. The journal of a completed copy starts anew. @throws {JournalError} if it can't be
   * used.
   */
  static async open(path: string, { identity, readOnly }: CopyJournalOptions): Promise<CopyJournal> {
    const state = new State();
    const file = await Journal.open(path, {
      header: { journal: "gcrane copy", version: 1, ...identity },
      readOnly,
      replay: (line) => state.replay(line),
      summary: () => state.lines(),
    });
    return new CopyJournal(state, file);
  }

  /** The number of repositories that are complete, including those of earlier runs. */
  get repositories(): number {
    return [...this.#done].filter((name) => name.startsWith(this.#prefix)).length;
  }

  /** Returns whether a repository is complete. */
  isDone(repository: string): boolean {
    return this.#done.has(this.#prefix + repository);
  }

  /** Returns what earlier runs copied of a repository that is not complete. */
  partial(repository: string): PartialCopy {
    const copied = this.#partial.get(this.#prefix + repository);
    const tags = new Set([...copied?.values() ?? []].flatMap((set) => [...set]));
    return {
      has: (digest, wanted) => {
        const set = copied?.get(digest);
        return set !== undefined && wanted.every((tag) => set.has(tag));
      },
      hasTag: (tag) => tags.has(tag),
    };
  }

  /** Records that a manifest and its tags are at the destination. */
  async copied(repository: string, digest: Hash, tags: readonly string[]): Promise<void> {
    await this.#file?.append({ copied: digest, repository: this.#prefix + repository, tags });
  }

  /** Records that a repository is complete. */
  async done(repository: string): Promise<void> {
    if (!this.#file) return;
    this.#partial.delete(this.#prefix + repository);
    await this.#file.append({ done: this.#prefix + repository });
  }

  /** Records that the whole copy is complete, so that the next one starts anew. */
  async end(): Promise<void> {
    if (this.#prefix !== "") return;
    await this.#file?.append({ end: new Date().toISOString() });
  }

  /** Closes the file. */
  async close(): Promise<void> {
    if (this.#prefix === "") await this.#file?.close();
  }
}

/** The combined state of a journal's lines. */
class State {
  done = new Set<string>();
  partial = new Map<string, Map<Hash, Set<string>>>();

  replay({ copied, repository, tags, done, end }: JournalLine): void {
    if (typeof end === "string") {
      this.done.clear();
      this.partial.clear();
    } else if (typeof done === "string") {
      this.done.add(done);
      this.partial.delete(done);
    } else if (typeof copied === "string" && typeof repository === "string" && Array.isArray(tags)) {
      const manifests = this.partial.get(repository) ?? new Map<Hash, Set<string>>();
      this.partial.set(repository, manifests);
      const known = manifests.get(copied as Hash) ?? [];
      manifests.set(copied as Hash, new Set([...known, ...tags.map(String)]));
    } else {
      throw new TypeError("not a line of this journal");
    }
  }

  *lines(): Generator<JournalLine, void, undefined> {
    for (const done of this.done) yield { done };
    for (const [repository, manifests] of this.partial) {
      for (const [copied, tags] of manifests) yield { copied, repository, tags: [...tags] };
    }
  }
}
