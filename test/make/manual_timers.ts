/** Timers that a test fires by hand. */
export class ManualTimers {
  readonly set: number[] = [];
  #fire: (() => void)[] = [];

  readonly wait = (ms: number, signal?: AbortSignal): Promise<void> => {
    this.set.push(ms);
    return new Promise((resolve, reject) => {
      this.#fire.push(resolve);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  };

  /** Fires all that are set, and lets what they start begin. */
  async fire(): Promise<void> {
    for (const fire of this.#fire.splice(0)) fire();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
