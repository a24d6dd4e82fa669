/** The part of a thread that is used here. */
interface Thread {
  once(event: "exit", listener: () => void): void;
  postMessage(...args: unknown[]): void;
  terminate(): Promise<unknown>;
}

/** The threads of a program. */
export interface CountedThreads {
  /** How many started. */
  readonly started: number;
  /** Waits up to a minute for the end of all, and returns how many ended. */
  ended(): Promise<number>;
}

/** Counts the threads that start from now on; as asked, they can't start, do not start, or end when they get a job. */
export function countThreads(how: string): CountedThreads {
  const module = process.getBuiltinModule("node:worker_threads") as { Worker: new (...args: unknown[]) => Thread };
  let started = 0;
  let ended = 0;
  module.Worker = class extends module.Worker {
    constructor(program: unknown, options: unknown) {
      if (how === "can't start") throw new Error("no threads here");
      super(how === "does not start" ? "setInterval(() => {}, 1000)" : program, options);
      started++;
      this.once("exit", () => ended++);
    }

    override postMessage(...args: unknown[]): void {
      if (how === "ends") this.terminate();
      else super.postMessage(...args);
    }
  };
  return {
    get started() {
      return started;
    },
    async ended() {
      const deadline = Date.now() + 60_000;
      while (ended < started && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
      return ended;
    },
  };
}
