/** The progress of one object (a layer, a config, a manifest). */
export interface ProgressEvent {
  /** The object's key in the operation: its digest, or a generated name before it has one. */
  readonly id: string;
  /** Its name for people: `layer 0123456789ab`. */
  readonly label: string;
  /** The direction. */
  readonly kind: "read" | "write";
  /** The number of its bytes that were transferred. */
  readonly complete: number;
  /** The number of its bytes, where that is known. */
  readonly total?: number;
  /** The state; `skipped` and `mounted` mean that the destination had it, or mounted it. */
  readonly state: "waiting" | "active" | "done" | "skipped" | "mounted" | "failed";
}

/** Receives events. It is called for each chunk: be quick, and don't throw. */
export type ProgressListener = (event: ProgressEvent) => void;

/** The object that a {@linkcode ProgressReporter} reports on. */
export type ProgressSubject = Pick<ProgressEvent, "id" | "label" | "kind" | "total">;

/** Reports on one object to a listener, if there is one. The first end that is reported is the last event. */
export class ProgressReporter {
  readonly #listener: ProgressListener | undefined;
  readonly #subject: ProgressSubject;
  #complete = 0;
  #over = false;

  /** Starts at 0 bytes, without an event. */
  constructor(listener: ProgressListener | undefined, subject: ProgressSubject) {
    this.#listener = listener;
    this.#subject = subject;
  }

  /** Reports that it waits; early, so that a total is known from the start. */
  announce(): void {
    this.#tell("waiting");
  }

  /** Reports further bytes; with 0, that the object has started. */
  advance(bytes: number): void {
    this.#complete += bytes;
    this.#tell("active");
  }

  /** Reports the end: done, not needed, or failed. */
  end(state: Exclude<ProgressEvent["state"], "waiting" | "active">): void {
    this.#tell(state);
    this.#over = true;
  }

  #tell(state: ProgressEvent["state"]): void {
    if (this.#over) return;
    this.#listener?.({ ...this.#subject, complete: this.#complete, state });
  }
}
