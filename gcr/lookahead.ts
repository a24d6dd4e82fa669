/** The outcome of an item: a result, or an error for the consumer. */
export type WorkOutcome<R> = { readonly result: R; readonly error?: undefined } | { readonly error: unknown };

/** An item whose work has begun. */
interface Begun<T, R> {
  readonly item: T;
  readonly outcome: Promise<WorkOutcome<R>>;
}

/**
 * A queue of items whose work begins in advance with bounded concurrency, and that are taken in order. Items may be put
 * in front of the queue. Sources are read only on demand, so the queue stays short regardless of their size.
 */
export class Lookahead<T, R> {
  readonly #work: (item: T) => Promise<R>;
  readonly #concurrency: number;
  readonly #line: (Begun<T, R> | AsyncIterator<T> | Iterator<T>)[] = [];
  #begun = 0;

  /** Creates an empty queue. */
  constructor(concurrency: number, work: (item: T) => Promise<R>) {
    this.#concurrency = concurrency;
    this.#work = work;
  }

  /** Puts items in front of the queue. */
  putFirst(items: Iterable<T> | AsyncIterable<T>): void {
    this.#line.unshift(Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]());
  }

  /** Returns the first item and its outcome, or `undefined` at the end of the queue. */
  async take(): Promise<{ item: T; outcome: WorkOutcome<R> } | undefined> {
    await this.#begin();
    const first = this.#line.shift();
    if (!first || !("outcome" in first)) return undefined;
    const outcome = await first.outcome;
    this.#begun--;
    return { item: first.item, outcome };
  }

  /** Closes the sources and waits for the work that has begun. */
  async close(): Promise<void> {
    for (const entry of this.#line.splice(0)) {
      if ("outcome" in entry) await entry.outcome;
      else await entry.return?.();
    }
  }

  /** Begins the next work. The first item is begun regardless of the limit, since a consumer waits for it. */
  async #begin(): Promise<void> {
    for (let at = 0; at < this.#line.length && (at === 0 || this.#begun < this.#concurrency);) {
      const entry = this.#line[at];
      if ("outcome" in entry) {
        at++;
        continue;
      }
      const { done, value } = await entry.next();
      if (done) {
        this.#line.splice(at, 1);
      } else {
        this.#line.splice(at, 0, { item: value, outcome: outcomeOf(this.#work(value)) });
        this.#begun++;
      }
    }
  }
}

function outcomeOf<R>(work: Promise<R>): Promise<WorkOutcome<R>> {
  return work.then((result) => ({ result }), (error) => ({ error }));
}
