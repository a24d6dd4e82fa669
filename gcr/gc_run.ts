import { FileError } from "../src/errors.ts";
import { type JournalLine, Semaphore } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { Client, Puller, Pusher, type RemoteOptions } from "../src/remote/mod.ts";
import { type GcEvent, GcTally } from "./gc_events.ts";
import { GcJournal } from "./gc_journal.ts";
import { planGarbage } from "./gc_plan.ts";
import type { GcRules } from "./gc_rules.ts";
import { PATIENCE } from "./patience.ts";
import { Survey } from "./gc_survey.ts";
import { type Deleter, type Garbage, Sweep, type SweepEvent } from "./gc_sweep.ts";

/** The default number of concurrent requests. */
const DEFAULT_JOBS = 8;

/** Options of every garbage collection. */
export interface GcRunOptions extends RemoteOptions {
  /**
   * The number of concurrent requests.
   *
   * @default 8
   */
  jobs?: number;
  /**
   * Whether an image's own creation time is used if the registry gives no upload time. An index has the time of its
   * youngest member.
   *
   * @default false
   */
  trustCreated?: boolean;
  /**
   * Whether an index may list images that its repository does not have. Otherwise all of such a repository is kept.
   *
   * @default false
   */
  allowMissing?: boolean;
  /**
   * The most manifests, and tags of kept manifests, to delete.
   *
   * @default no limit
   */
  maxDelete?: number;
  /**
   * The path of a journal of completed repositories and deletions, with which the same call continues an interrupted
   * one. Used only if something is deleted.
   *
   * @default none
   */
  journal?: string;
  /**
   * Called for each event.
   *
   * @default not called
   */
  onEvent?: (event: GcEvent) => void;
  /**
   * Ends the work; deletions are not undone.
   *
   * @default none
   */
  signal?: AbortSignal;
}

/** One run of a garbage collection: its connections, limits, journal and totals. */
export class GcRun {
  /** Reads from registries. */
  readonly puller: Puller;
  /** Receives the events. */
  readonly tally: GcTally;
  readonly #options: GcRunOptions;
  readonly #deleter: Deleter;
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
    const { client = new Client({ ...options, retry: { ...PATIENCE, ...options.retry } }) } = options;
    this.#deleter = new Pusher({ client });
    this.puller = new Puller({ client });
    this.tally = new GcTally(onEvent);
  }

  /** Begins a run. `work` identifies it in the journal; without it nothing is recorded. */
  static async begin(options: GcRunOptions, work: JournalLine | undefined): Promise<GcRun> {
    return new GcRun(options, await GcJournal.open(work && options.journal, work ?? {}));
  }

  /** Returns the time in milliseconds since the epoch. */
  now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Returns whether a repository is complete in the journal, and counts it as such. */
  wasDone(repository: Repository): boolean {
    const wasDone = this.#journal.isDone(repository.name);
    if (wasDone) this.tally.resume();
    return wasDone;
  }

  /** Creates a survey of a repository. */
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
      deleter: this.#deleter,
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
      return this.tally.tell({ ...event, repository });
    }
    if (event.alone) await this.#journal.deleted(`${repository}:${event.tag}`);
    this.tally.tell({ ...event, repository });
  }

  /** Drops the state of a repository that is complete. */
  forget(repository: Repository): void {
    this.puller.client.forget(repository);
  }

  /** Reports a failure after which the run can continue; throws any other. */
  fail(name: string, error: unknown): void {
    this.#options.signal?.throwIfAborted();
    if (error instanceof FileError) throw error; // from the journal: further deletions would not be recorded
    this.tally.tell({ kind: "failed", name, error });
  }

  /** Ends the run. */
  async close(): Promise<void> {
    await this.#journal.close();
  }
}
