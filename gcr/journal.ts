import { JournalError } from "../src/errors.ts";
import { fileFailure, jsonObject } from "../src/io/mod.ts";
import { exists, type FileWriter, openWriter, readStream, stat, writeFileAtomic } from "../src/runtime/mod.ts";

/** One line of a journal: a JSON object. */
export type JournalLine = Readonly<Record<string, unknown>>;

/** What a journal is opened with. */
export interface JournalOptions {
  /** The first line, which says what work it is of. A journal with another one is refused. */
  readonly header: JournalLine;
  /** Given every further line of a journal that is there. @throws whatever, for a line that makes no sense */
  readonly replay: (line: JournalLine) => void;
  /** The lines that say as much as all that were replayed; asked for once, after them. */
  readonly summary: () => Iterable<JournalLine>;
  /**
   * Whether the file is left as it is and nothing is noted.
   * @default false
   */
  readonly readOnly?: boolean;
}

/**
 * A record of work done, one JSON object per line, so that work that was killed goes on where it stopped. A line is
 * appended after what it says has happened, so the journal never claims too much; a last line that was torn is dropped.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileWriter | undefined;
  #pending = "";
  /** The write that takes what is pending, until it begins. */
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileWriter | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens a journal, which is made if there is none. One that is there is replayed and then replaced by its summary.
   *
   * @throws {JournalError} when it is no journal, or one of other work.
   * @throws {FileError} when it can't be read or written.
   */
  static async open(path: string, options: JournalOptions): Promise<Journal> {
    try {
      await replay(path, options);
      if (options.readOnly) return new Journal(path, undefined);
      const lines = [options.header, ...options.summary()];
      await writeFileAtomic(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { sync: true });
      return new Journal(path, await openWriter(path, { append: true }));
    } catch (error) {
      throw fileFailure(`can't use the journal ${path}`, error);
    }
  }

  /** Appends a line. When this resolves, the line outlives the end of the process, however it comes. */
  async append(line: JournalLine): Promise<void> {
    if (!this.#file) return;
    this.#pending += `${JSON.stringify(line)}\n`;
    // Lines that come while one is being written go out together after it.
    this.#next ??= this.#last = this.#last.then(() => this.#write(this.#file!));
    await this.#next;
  }

  /** Waits for what is being written and closes the file. */
  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#file?.close();
  }

  async #write(file: FileWriter): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    this.#next = undefined;
    try {
      await file.write(new TextEncoder().encode(text));
    } catch (error) {
      throw fileFailure(`can't write the journal ${this.#path}`, error);
    }
  }
}

/** Gives the lines of a journal that is there to whom they concern. An empty file counts as none. */
async function replay(path: string, { header, replay }: JournalOptions): Promise<void> {
  if (!await exists(path)) return;
  const { kind, size } = await stat(path);
  if (kind !== "file") throw new JournalError(`the journal ${path} is not a file`, { hint: "name another file" });
  if (size === 0) return;
  let number = 0;
  for await (const text of completeLines(path)) {
    const line = jsonObject(text);
    if (++number === 1) {
      checkHeader(path, line, header);
      continue;
    }
    try {
      if (line === undefined) throw new TypeError("not a JSON object");
      replay(line);
    } catch (cause) {
      throw new JournalError(`the journal ${path} makes no sense in line ${number}`, {
        cause,
        hint: "delete it to start over: what is there is not copied again",
      });
    }
  }
  if (number === 0) checkHeader(path, undefined, header);
}

/** The lines of a file that end in a newline: what comes after the last one was being written when the writer died. */
async function* completeLines(path: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of readStream(path)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

function checkHeader(path: string, found: JournalLine | undefined, expected: JournalLine): void {
  const { journal, version } = expected;
  if (found === undefined || found.journal !== journal) {
    throw new JournalError(`${path} is not a journal of ${journal}`, { hint: "name another file, or a new one" });
  }
  if (found.version !== version) {
    throw new JournalError(`the journal ${path} was written by another version of this program`, {
      hint: "delete it to start over: what is there is not copied again",
    });
  }
  const other = Object.keys({ ...expected, ...found }).filter((key) =>
    JSON.stringify(found[key]) !== JSON.stringify(expected[key])
  );
  if (other.length === 0) return;
  const say = (line: JournalLine, key: string) => line[key] === undefined ? "none" : JSON.stringify(line[key]);
  const difference = other.map((key) => `${key} ${say(found, key)}, not ${say(expected, key)}`).join("; ");
  throw new JournalError(`the journal ${path} is of other work: ${difference}`, {
    hint: "go on with the same arguments, or name another journal",
  });
}
