import { SizeMismatchError } from "../errors.ts";
import { type ProgressListener, ProgressReporter } from "../image/mod.ts";
import { type AbortOptions, observe, streamOf } from "../io/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";

/** A file of a tarball that is about to be written. */
export interface PlannedFile {
  /** Its name in the tarball. */
  readonly path: string;
  /** The number of its bytes. */
  readonly size: number;
  /** Opens its content. The stream fails before it closes when there are more or fewer bytes, or others. */
  open(options?: AbortOptions): Promise<ByteStream>;
}

/** What makes a {@linkcode PlannedFile} that says how far it has got. */
export interface ReportedFile extends PlannedFile {
  /** What tells it from others. */
  readonly id: string;
  /** What to call it before a human, and in an error. */
  readonly label: string;
  /** Is told how far it has got. */
  readonly onProgress: ProgressListener | undefined;
  /** Has the last word on a content that was read to its end. */
  confirm?(): Promise<void>;
}

/** Files of a tarball, each path once: of several with one path the first counts. */
export class PlannedFiles {
  readonly #files = new Map<string, PlannedFile>();
  readonly #onProgress: ProgressListener | undefined;

  /** Starts with none. */
  constructor(onProgress: ProgressListener | undefined) {
    this.#onProgress = onProgress;
  }

  /** The files, in the order in which they were added. */
  get files(): PlannedFile[] {
    return [...this.#files.values()];
  }

  /** Adds a file, and announces it to who follows the progress. */
  add(file: Omit<ReportedFile, "onProgress">): void {
    if (this.#files.has(file.path)) return;
    this.#set(file);
    const { id, label, size: total } = file;
    new ProgressReporter(this.#onProgress, { id, label, total, kind: "write" }).announce();
  }

  /** Adds a small file that is there already. */
  addBytes(path: string, bytes: Bytes, label: string = path): void {
    if (this.#files.has(path)) return;
    this.#set({ path, size: bytes.length, id: path, label, open: () => Promise.resolve(streamOf(bytes)) });
  }

  #set(file: Omit<ReportedFile, "onProgress">): void {
    this.#files.set(file.path, reportedFile({ ...file, onProgress: this.#onProgress }));
  }
}

/** The same file, counted and reported. */
function reportedFile(file: ReportedFile): PlannedFile {
  return { path: file.path, size: file.size, open: async (options) => reported(await file.open(options), file) };
}

function reported(stream: ByteStream, { id, label, size, onProgress, confirm }: ReportedFile): ByteStream {
  const progress = new ProgressReporter(onProgress, { id, label, total: size, kind: "write" });
  let left = size;
  progress.advance(0);
  const wrong = (how: string) => new SizeMismatchError(`${label} has ${how} than the ${size} bytes that were promised`);
  return observe(stream, {
    chunk({ length }) {
      left -= length;
      if (left < 0) throw wrong("more");
      progress.advance(length);
    },
    async end() {
      if (left > 0) throw wrong("fewer");
      await confirm?.();
    },
    settled: (error) => progress.end(error === undefined ? "done" : "failed"),
  });
}
