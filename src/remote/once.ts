import { abortable, type AbortOptions } from "../io/mod.ts";

/** Work that is done once for each key, however many ask for it. What failed is tried again by the next who asks. */
export class OnceByKey {
  readonly #under = new Map<string, { readonly work: Promise<void>; readonly signal: AbortSignal | undefined }>();

  /** Does the work, unless somebody else has done it or is at it. */
  async run(key: string, options: AbortOptions, work: () => Promise<void>): Promise<void> {
    while (this.#under.has(key)) if (await this.joined(key, options)) return;
    const mine = { work: work(), signal: options.signal };
    this.#under.set(key, mine);
    try {
      await mine.work;
    } catch (error) {
      if (this.#under.get(key) === mine) this.#under.delete(key);
      throw error;
    }
  }

  /**
   * Waits for whoever does the work. `false` when nobody does, or when whoever did gave up because of a signal that is
   * not the caller's.
   */
  async joined(key: string, { signal }: AbortOptions): Promise<boolean> {
    for (let other = this.#under.get(key); other; other = this.#under.get(key)) {
      try {
        await abortable(other.work, signal);
        return true;
      } catch (error) {
        if (signal?.aborted || !other.signal?.aborted) throw error;
        if (this.#under.get(key) === other) this.#under.delete(key);
      }
    }
    return false;
  }
}
