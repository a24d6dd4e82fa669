/** Lets works on the same thing run one after the other, in the order in which they came. */
export class OneAtATime {
  readonly #last: Map<string, Promise<unknown>> = new Map();

  /** Runs work when all earlier work on the same thing has ended, in whatever way. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const running = (this.#last.get(name) ?? Promise.resolve()).then(work, work);
    const settled = running.catch(() => {});
    this.#last.set(name, settled);
    try {
      return await running;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}
