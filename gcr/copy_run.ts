import { delay } from "@std/async/delay";
import { HttpError, NetworkError } from "../src/errors.ts";
import { RateLimit, Semaphore } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type CopyJournal, DEFAULT_JOBS } from "../src/graph/internal.ts";
import { TransferState } from "../src/graph/mod.ts";
import { Client, Puller, Pusher } from "../src/remote/mod.ts";
import { connect } from "../src/transport/internal.ts";
import type { CopyContext } from "./copy_context.ts";
import type { CopyEvent, CopyFailure, CopyRecursivelyOptions } from "./copy_options.ts";
import { type CopyRoute, registryOf } from "./copy_route.ts";
import type { CopyTerms } from "./copy_terms.ts";
import type { Deleter } from "./gc_sweep.ts";
import { PATIENCE } from "./patience.ts";
import { anyOf, type NameMatcher, repositoryPattern, tagMatcher } from "../src/name/internal.ts";
import { isInShard } from "./shard.ts";

/** The most failures that are kept. */
const MAX_FAILURES = 1000;

/** The number of consecutive connection failures after which the copy is given up. */
const MAX_UNREACHABLE = 20;

/** The shared state of all repositories of one recursive copy: connections, limits, the journal, the counts. */
export class CopyRun implements CopyContext {
  readonly options: CopyRecursivelyOptions;
  readonly route: CopyRoute;
  readonly journal: CopyJournal;
  readonly terms: CopyTerms;
  /** The connections to the target. */
  readonly client: Client;
  /** The transfer state that all repositories share. */
  readonly state: TransferState;
  /** Writes to the target. */
  readonly pusher: Pusher;
  /** Deletes from the target. */
  readonly deleter: Deleter;
  /** Reads from the target. */
  readonly puller: Puller;
  /** Reads from the source. */
  readonly reader: Puller;
  /** Limits the number of manifests that are copied at the same time. */
  readonly slots: Semaphore;
  /** The limit on the bytes of layers, if there is one. */
  readonly bandwidth: RateLimit | undefined;
  /** Aborted by the caller, or if the copy can't continue. */
  readonly signal: AbortSignal;
  readonly counts = { repositories: 0, manifests: 0, there: 0, tags: 0, kept: 0, unsuited: 0, bytes: 0, deleted: 0 };
  readonly failures: CopyFailure[] = [];
  failed = 0;
  readonly #source: Client;
  readonly #stop = new AbortController();
  readonly #wantsTag: NameMatcher | undefined;
  readonly #excludes: NameMatcher;
  #unreachable = 0;

  constructor(options: CopyRecursivelyOptions, route: CopyRoute, journal: CopyJournal, terms: CopyTerms = {}) {
    const { bytesPerSecond, tagFilter, semver, exclude = [] } = options;
    this.options = options;
    this.route = route;
    this.journal = journal;
    this.terms = terms;
    this.signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal;
    this.bandwidth = bytesPerSecond === undefined ? undefined : new RateLimit(bytesPerSecond);
    const { client = patientClient(options, (event) => this.tell(event)), sourceKeychain } = options;
    this.client = client;
    this.state = new TransferState({ jobs: this.jobs });
    this.pusher = this.deleter = new Pusher({ client });
    this.puller = new Puller({ client });
    this.#source = sourceKeychain ? new Client({ ...client.options, keychain: sourceKeychain }) : client;
    this.reader = new Puller({ client: this.#source });
    this.slots = new Semaphore(this.jobs);
    this.#wantsTag = terms.wantsTag ?? tagMatcher({ patterns: tagFilter, semver });
    this.#excludes = anyOf(exclude.map(repositoryPattern));
  }

  /** Checks that both registries are reachable, without the retries of the copy itself. */
  async checkRegistries(): Promise<void> {
    const { reached = new Set<string>() } = this.terms;
    for (const root of [this.route.source, this.route.target]) {
      const { name } = registryOf(root);
      if (reached.has(name)) continue;
      try {
        const options = { ...this.client.options, retry: this.options.retry };
        await (await connect(root, options)).ping({ signal: this.signal });
      } catch (error) {
        // A registry that responds is reachable; the copy reports its error later.
        if (!(error instanceof HttpError)) throw error;
      }
      reached.add(name);
    }
  }

  get jobs(): number {
    return this.options.jobs ?? DEFAULT_JOBS;
  }

  /** Whether manifests without a tag are copied. Members of an index always are. */
  get wantsUntagged(): boolean {
    const { platforms = [], untagged = this.#wantsTag === undefined } = this.options;
    return untagged && platforms.length === 0;
  }

  /** Drops the tokens of two repositories that are complete. */
  forget(source: Repository, target: Repository): void {
    this.#source.forget(source);
    this.client.forget(target);
    this.state.forget(target.name);
  }

  /** Whether the options include everything in a repository's listing. */
  get wantsAll(): boolean {
    return this.wantsUntagged && this.#wantsTag === undefined;
  }

  /** Returns whether a tag should be copied. */
  wantsTag(tag: string): boolean {
    return this.#wantsTag?.(tag) ?? true;
  }

  /** Returns whether a repository of the source, given by its path, should be copied. */
  wantsRepository(path: string): boolean {
    return !this.#excludes(path) && this.terms.wantsRepository?.(path) !== false &&
      (this.options.shard === undefined || isInShard(path, this.options.shard));
  }

  /** Reports an event. */
  tell(event: CopyEvent): void {
    if (event.kind === "manifest" || event.kind === "repository") this.#unreachable = 0;
    this.options.onEvent?.(event);
  }

  /** Records a failure. @throws the reason of the signal if it is aborted */
  fail(name: string, error: unknown): void {
    this.signal.throwIfAborted();
    this.failed++;
    const failure = { name, error };
    if (this.failures.length < MAX_FAILURES) this.failures.push(failure);
    this.tell({ kind: "failed", failure });
    // A hint means that the registry is not reachable at all, which concerns all remaining work.
    const isGone = error instanceof NetworkError && error.hint !== undefined;
    this.#unreachable = isGone ? this.#unreachable + 1 : 0;
    if (this.#unreachable >= MAX_UNREACHABLE) this.stop(error);
  }

  /** Ends the copy for a reason that concerns all repositories. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  /** Writes to the journal; a failure ends the copy. */
  async note(work: (journal: CopyJournal) => Promise<void>): Promise<void> {
    if (this.options.dryRun) return;
    try {
      await work(this.journal);
    } catch (error) {
      this.stop(error);
      throw error;
    }
  }
}

/** Creates a client that retries for as long as a copy of hours needs, and reports each wait. */
export function patientClient(options: CopyRecursivelyOptions, tell: (event: CopyEvent) => void): Client {
  const wait = (ms: number, signal?: AbortSignal) => reportedWait(ms, { ...options, signal }, tell);
  return new Client({ ...options, retry: { ...PATIENCE, ...options.retry, wait } });
}

/** Reports a wait, and waits. */
export async function reportedWait(
  ms: number,
  { retry, signal }: Pick<CopyRecursivelyOptions, "retry" | "signal">,
  tell: (event: CopyEvent) => void,
): Promise<void> {
  tell({ kind: "waiting", ms });
  await (retry?.wait?.(ms, signal) ?? delay(ms, { signal }));
}
