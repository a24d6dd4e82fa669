import { Journal, type JournalLine } from "../src/io/mod.ts";

/** Which repositories are done and what was deleted, for a run that may be killed. */
export class GcJournal {
  readonly #journal: Journal | undefined;
  readonly #done: Set<string>;

  private constructor(journal: Journal | undefined, done: Set<string>) {
    this.#journal = journal;
    this.#done = done;
  }

  /** Opens the journal of some work; without a path nothing is noted. */
  static async open(path: string | undefined, header: JournalLine): Promise<GcJournal> {
    const done = new Set<string>();
    if (path === undefined) return new GcJournal(undefined, done);
    const deleted: string[] = [];
    const journal = await Journal.open(path, {
      header,
      replay(line) {
        if (typeof line.done === "string") done.add(line.done);
        else if (typeof line.deleted === "string") deleted.push(line.deleted);
        else throw new TypeError("neither a repository that is done nor a manifest that was deleted");
      },
      *summary() {
        for (const name of deleted) yield { deleted: name };
        for (const name of done) yield { done: name };
      },
    });
    return new GcJournal(journal, done);
  }

  /** Whether a repository was done before. */
  isDone(repository: string): boolean {
    return this.#done.has(repository);
  }

  /** Notes that a repository is done. */
  async done(repository: string): Promise<void> {
    await this.#journal?.append({ done: repository });
  }

  /** Notes that a manifest or a tag was deleted. */
  async deleted(name: string): Promise<void> {
    await this.#journal?.append({ deleted: name });
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.#journal?.close();
  }
}
