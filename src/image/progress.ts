/** How far one object (a layer, a config, a manifest) has got on its way. */
export interface ProgressEvent {
  /** What tells the object from others in the same operation: its digest, or a name of our own before it has one. */
  readonly id: string;
  /** What to call it before a human: `layer 0123456789ab`. */
  readonly label: string;
  /** Which way it goes. */
  readonly kind: "read" | "write";
  /** How many of its bytes have gone. */
  readonly complete: number;
  /** How many bytes it has, where that is known. */
  readonly total?: number;
  /** Waiting for its turn, on its way, there, or why it need not go: the destination had it, or mounted it. */
  readonly state: "waiting" | "active" | "done" | "skipped" | "mounted" | "failed";
}

/** Takes the news. It is called for each chunk: be quick, and don't throw. */
export type ProgressListener = (event: ProgressEvent) => void;

/** What a {@linkcode ProgressReporter} reports on. */
export type ProgressSubject = Pick<ProgressEvent, "id" | "label" | "kind" | "total">;

/** Tells a listener of one object; of nothing when there is no listener. The first end that is told is the last news. */
export class ProgressReporter {
  readonly #listener: ProgressListener | undefined;
  readonly #subject: ProgressSubject;
  #complete = 0;
  #over = false;

  /** Starts with no bytes gone, and tells nobody yet. */
  constructor(listener: ProgressListener | undefined, subject: ProgressSubject) {
    this.#listener = listener;
    this.#subject = subject;
  }

  /** It will go when its turn comes; told early, so that a total is known from the start. */
  announce(): void {
    this.#tell("waiting");
  }

  /** So many more bytes have gone; with 0, the object has set off. */
  advance(bytes: number): void {
    this.#complete += bytes;
    this.#tell("active");
  }

  /** It got there, or did not have to go, or never will get there. */
  end(state: Exclude<ProgressEvent["state"], "waiting" | "active">): void {
    this.#tell(state);
    this.#over = true;
  }

  #tell(state: ProgressEvent["state"]): void {
    if (this.#over) return;
    this.#listener?.({ ...this.#subject, complete: this.#complete, state });
  }
}
