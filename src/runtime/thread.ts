import type { Worker } from "node:worker_threads";

/** Makes a thread collect its garbage early: by default it keeps 32 MB of buffers that are used no longer. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 1 };

/**
 * Runs when a thread starts. The program of a thread is text, as a bundle or an executable has no file for it, and it
 * imports nothing, so that it starts without permissions. It answers each job with an object, which has `failure` if the
 * job failed.
 */
const READY = `process.getBuiltinModule("node:worker_threads").parentPort.postMessage({});`;

/** A thread that does one job after the other. It does not keep the process alive while it has none. */
export class Thread<Job, Answer> {
  readonly #worker: Worker;
  #jobs: PromiseWithResolvers<Answer>[] = [];
  #isReady = false;
  #hasEnded = false;

  /** Starts a thread. Calls `onReady` when it can take a job, and never if it can't start. */
  constructor(
    { Worker }: typeof import("node:worker_threads"),
    program: string,
    onReady: (thread: Thread<Job, Answer>) => void,
  ) {
    this.#worker = new Worker(program + READY, { eval: true, resourceLimits: RESOURCE_LIMITS });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer & { failure?: string }) => {
      if (!this.#isReady) {
        this.#isReady = true;
        onReady(this);
      } else if (answer.failure === undefined) this.#end().resolve(answer);
      else this.#end().reject(new Error(answer.failure));
    });
    const fail = (cause?: unknown) => {
      this.#hasEnded = true;
      while (this.#jobs.length > 0) this.#end().reject(new Error("the thread has ended", { cause }));
    };
    this.#worker.on("error", fail);
    this.#worker.on("exit", () => fail());
  }

  /** The number of jobs that are not done. */
  get jobs(): number {
    return this.#jobs.length;
  }

  /** Does a job after those before it; buffers go over to the thread. Rejects with a plain `Error`. */
  run(job: Job, buffers: ArrayBuffer[] = []): Promise<Answer> {
    if (this.#hasEnded) return Promise.reject(new Error("the thread has ended"));
    const done = Promise.withResolvers<Answer>();
    this.#jobs.push(done);
    this.#worker.ref();
    this.#worker.postMessage(job, buffers);
    return done.promise;
  }

  /** Ends the thread; the jobs that it has fail. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(): PromiseWithResolvers<Answer> {
    const job = this.#jobs.shift()!;
    if (this.#jobs.length === 0) this.#worker.unref();
    return job;
  }
}
