import { JournalError } from "../errors.ts";
import { exists, type FileWriter, openWriter, readStream, stat, writeFileAtomic } from "../runtime/mod.ts";
import { fileFailure } from "./file_failure.ts";
import { jsonObject } from "./text.ts";

/** One line of a journal: a JSON object. */
export type JournalLine = Readonly<Record<string, unknown>>;

/** Options of {@linkcode Journal.open}. */
export interface JournalOptions {
  /** The first line, which identifies the work. A journal with another header is rejected. */
  readonly header: JournalLine;
  /** Called for every further line of an existing journal. @throws for an invalid line */
  readonly replay: (line: JournalLine) => void;
  /** Returns lines equivalent to all replayed ones; called once, after them. */
  readonly summary: () => Iterable<JournalLine>;
  /**
   * Whether to leave the file unchanged and record nothing.
   *
   * @default false
   */
  readonly readOnly?: boolean;
}

/**
 * A record of completed work, one JSON object per line, with which interrupted work can be continued. A line is
 * appended after its work is complete, so the journal never records too much; an incomplete last line is dropped.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileWriter | undefined;
  #pending = "";
  /** The next write, which takes the pending lines, until it begins. */
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileWriter | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens a journal, or creates it. An existing one is replayed and then replaced with its summary.
   *
   * @throws {JournalError} if it is not a journal, or belongs to different work.
   * @throws {FileError} if it can't be read or written.
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

  /** Appends a line. Once this resolves, the line survives any end of the process. */
  async append(line: JournalLine): Promise<void> {
    if (!this.#file) return;
    this.#pending += `${JSON.stringify(line)}\n`;
    // Lines that are appended during a write are written together after it.
    this.#next ??= this.#last = this.#last.then(() => this.#write(this.#file!));
    await this.#next;
  }

  /** Waits for the pending write and closes the file. */
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

/** Replays the lines of an existing journal. An empty file counts as missing. */
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
      throw new JournalError(`the journal ${path} is invalid in line ${number}`, {
        cause,
        hint: "delete it to start over: existing content is not copied again",
      });
    }
  }
  if (number === 0) checkHeader(path, undefined, header);
}

/** Yields the lines of a file that end in a newline: an incomplete last line was interrupted. */
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
      hint: "delete it to start over: existing content is not copied again",
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
