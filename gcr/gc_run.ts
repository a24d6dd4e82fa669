import { FileError } from "../src/errors.ts";
import { type JournalLine, Semaphore } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { Client, Puller, Pusher, type RemoteOptions } from "../src/remote/mod.ts";
import { type GcEvent, GcTally } from "./gc_events.ts";
import { GcJournal } from "./gc_journal.ts";
import { planGarbage } from "./gc_plan.ts";
import type { GcRules } from "./gc_rules.ts";
import { Survey } from "./gc_survey.ts";
import { type Garbage, Sweep, type SweepEvent } from "./gc_sweep.ts";

/** How many requests are on their way at the same time when nobody says. */
const DEFAULT_JOBS = 8;

/** What every run of garbage collection takes, whatever it goes by. */
export interface GcRunOptions extends RemoteOptions {
  /**
   * How many requests are on their way at the same time.
   * @default 8
   */
  jobs?: number;
  /**
   * Whether the time at which an image says it was made stands for that of its upload where the registry tells none.
   * An index counts as made when the youngest of its members was.
   * @default false
   */
  trustCreated?: boolean;
  /**
   * Whether an index may name images that its repository does not have; else such a repository is left alone.
   * @default false
   */
  allowMissing?: boolean;
  /**
   * The most manifests, and tags of manifests that stay, that are deleted.
   * @default no limit
   */
  maxDelete?: number;
  /**
   * A file that keeps which repositories are done and what was deleted, so that the same call goes on where one that
   * was killed had stopped. Used only when something is deleted.
   * @default none
   */
  journal?: string;
  /**
   * Told of everything as it happens.
   * @default nobody
   */
  onEvent?: (event: GcEvent) => void;
  /**
   * Ends the work; what was deleted stays deleted.
   * @default none
   */
  signal?: AbortSignal;
}

/** One run of garbage collection: its connections, its bounds, its journal and its sums. */
export class GcRun {
  /** What asks registries. */
  readonly puller: Puller;
  /** Told of what happens. */
  readonly tally: GcTally;
  readonly #options: GcRunOptions;
  readonly #pusher: Pusher;
  readonly #jobs: number;
  readonly #slots: Semaphore;
  readonly #allowance: { left: number };
  readonly #journal: GcJournal;

  private constructor(options: GcRunOptions, journal: GcJournal) {
    const { jobs = DEFAULT_JOBS, maxDelete = Infinity, onEvent } = options;
    this.#options = options;
    this.#journal = journal;
    this.#jobs = jobs;
    this.#slots = new Semaphore(jobs);
    this.#allowance = { left: maxDelete };
    const { client = new Client(options) } = options;
    this.#pusher = new Pusher({ client });
    this.puller = new Puller({ client });
    this.tally = new GcTally(onEvent);
  }

  /** Begins a run. `work` says which, in the journal; without it nothing is noted. */
  static async begin(options: GcRunOptions, work: JournalLine | undefined): Promise<GcRun> {
    return new GcRun(options, await GcJournal.open(work && options.journal, work ?? {}));
  }

  /** The time, in milliseconds since the epoch. */
  now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Whether the journal says that a repository was done before. It is counted as such. */
  wasDone(repository: Repository): boolean {
    const wasDone = this.#journal.isDone(repository.name);
    if (wasDone) this.tally.resume();
    return wasDone;
  }

  /** A survey of a repository. */
  survey(repository: Repository): Survey {
    const { trustCreated = false, allowMissing = false, signal } = this.#options;
    const { puller } = this;
    return new Survey(repository, { puller, slots: this.#slots, jobs: this.#jobs, trustCreated, allowMissing, signal });
  }

  /** Deletes garbage of a repository. */
  async sweep(survey: Survey, rules: GcRules, garbage: Garbage): Promise<void> {
    const sweep = new Sweep(survey, {
      judge: (graph) => planGarbage(graph, rules, this.now()),
      puller: this.puller,
      pusher: this.#pusher,
      jobs: this.#jobs,
      allowance: this.#allowance,
      tell: (event) => this.#tell(survey.repository, event),
      signal: this.#options.signal,
    });
    await sweep.run(garbage);
    await this.#journal.done(survey.repository.name);
  }

  async #tell({ name: repository }: Repository, event: SweepEvent): Promise<void> {
    if (event.kind === "left") return this.tally.tell(event);
    if (event.kind === "deleted") {
      await this.#journal.deleted(`${repository}@${event.digest}`);
      return this.tally.tell({ kind: "deleted", repository, digest: event.digest });
    }
    if (!event.alone) return;
    await this.#journal.deleted(`${repository}:${event.tag}`);
    this.tally.tell({ kind: "untagged", repository, tag: event.tag });
  }

  /** Drops what was kept for a repository that is done. */
  forget(repository: Repository): void {
    this.puller.client.forget(repository);
  }

  /** Tells of a failure after which the rest can go on; any other is thrown. */
  fail(name: string, error: unknown): void {
    this.#options.signal?.throwIfAborted();
    if (error instanceof FileError) throw error; // the journal's: what is deleted from now on would not be noted
    this.tally.tell({ kind: "failed", name, error });
  }

  /** Ends the run. */
  async close(): Promise<void> {
    await this.#journal.close();
  }
}
