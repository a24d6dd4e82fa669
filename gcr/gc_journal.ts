import { Journal, type JournalLine } from "../src/io/mod.ts";

/** The completed repositories and the deletions of a run, so that an interrupted run can be continued. */
export class GcJournal {
  readonly #journal: Journal | undefined;
  readonly #done: Set<string>;

  private constructor(journal: Journal | undefined, done: Set<string>) {
    this.#journal = journal;
    this.#done = done;
  }

  /** Opens a journal; without a path nothing is recorded. */
  static async open(path: string | undefined, header: JournalLine): Promise<GcJournal> {
    const done = new Set<string>();
    if (path === undefined) return new GcJournal(undefined, done);
    const deleted: string[] = [];
    const journal = await Journal.open(path, {
      header,
      replay(line) {
        if (typeof line.done === "string") done.add(line.done);
        else if (typeof line.deleted === "string") deleted.push(line.deleted);
        else throw new TypeError("neither a completed repository nor a deleted manifest");
      },
      *summary() {
        for (const name of deleted) yield { deleted: name };
        for (const name of done) yield { done: name };
      },
    });
    return new GcJournal(journal, done);
  }

  /** Returns whether a repository is complete. */
  isDone(repository: string): boolean {
    return this.#done.has(repository);
  }

  /** Records that a repository is complete. */
  async done(repository: string): Promise<void> {
    await this.#journal?.append({ done: repository });
  }

  /** Records that a manifest or a tag was deleted. */
  async deleted(name: string): Promise<void> {
    await this.#journal?.append({ deleted: name });
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#journal?.close();
  }
}
