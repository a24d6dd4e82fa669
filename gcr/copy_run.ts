import { delay } from "@std/async/delay";
import { HttpError, NetworkError } from "../src/errors.ts";
import { RateLimit, Semaphore } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type CopyJournal, DEFAULT_JOBS, TransferState } from "../src/graph/mod.ts";
import { Client, Puller, Pusher } from "../src/remote/mod.ts";
import { Connection } from "../src/transport/mod.ts";
import type { CopyEvent, CopyFailure, CopyRecursivelyOptions } from "./copy_options.ts";
import { type CopyRoute, registryOf } from "./copy_route.ts";
import { anyOf, type NameMatcher, namePattern, repositoryPattern } from "./name_pattern.ts";
import { isInShard } from "./shard.ts";

/** How many failures are remembered. */
const MAX_FAILURES = 1000;

/** How many times in a row a registry can't be reached before the copy is given up. */
const MAX_UNREACHABLE = 20;

/**
 * How requests that failed in passing are tried again, when nobody says: quotas of registries are by the minute or by
 * ten, so a copy waits some nine minutes in all, and up to ten where the registry asks for that.
 */
const PATIENCE = { attempts: 8, delayMs: 500, maxDelayMs: 600_000 };

/** What all repositories of one recursive copy share: connections, bounds, the journal, the counts. */
export class CopyRun {
  readonly options: CopyRecursivelyOptions;
  readonly route: CopyRoute;
  readonly journal: CopyJournal;
  /** The connections to the target. */
  readonly client: Client;
  /** What the transfers of all repositories share. */
  readonly state: TransferState;
  /** Writes to the target. */
  readonly pusher: Pusher;
  /** Reads the target. */
  readonly puller: Puller;
  /** Reads the source. */
  readonly reader: Puller;
  /** How many manifests are worked on at the same time. */
  readonly slots: Semaphore;
  /** The limit on the bytes of layers, where there is one. */
  readonly bandwidth: RateLimit | undefined;
  /** Aborted by whoever called, or when going on is no use. */
  readonly signal: AbortSignal;
  readonly counts = { repositories: 0, manifests: 0, there: 0, tags: 0, unsuited: 0, bytes: 0, deleted: 0 };
  readonly failures: CopyFailure[] = [];
  failed = 0;
  readonly #source: Client;
  readonly #stop = new AbortController();
  readonly #wantsTag: NameMatcher;
  readonly #excludes: NameMatcher;
  #unreachable = 0;

  constructor(options: CopyRecursivelyOptions, route: CopyRoute, journal: CopyJournal) {
    const { bytesPerSecond, tagFilter = [], exclude = [] } = options;
    this.options = options;
    this.route = route;
    this.journal = journal;
    this.signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal;
    this.bandwidth = bytesPerSecond === undefined ? undefined : new RateLimit(bytesPerSecond);
    const retry = { ...PATIENCE, ...options.retry, wait: (ms: number, signal?: AbortSignal) => this.#wait(ms, signal) };
    const { client = new Client({ ...options, retry }), sourceKeychain } = options;
    this.client = client;
    this.state = new TransferState({ jobs: this.jobs });
    this.pusher = new Pusher({ client });
    this.puller = new Puller({ client });
    this.#source = sourceKeychain ? new Client({ ...client.options, keychain: sourceKeychain }) : client;
    this.reader = new Puller({ client: this.#source });
    this.slots = new Semaphore(this.jobs);
    this.#wantsTag = tagFilter.length === 0 ? () => true : anyOf(tagFilter.map(namePattern));
    this.#excludes = anyOf(exclude.map(repositoryPattern));
  }

  /** Sees to it that both registries can be reached, without the patience that the copy itself has. */
  async checkRegistries(): Promise<void> {
    for (const root of [this.route.source, this.route.target]) {
      try {
        await new Connection(registryOf(root), { ...this.client.options, retry: this.options.retry }).ping({
          signal: this.signal,
        });
      } catch (error) {
        // One that answers is there, and what it says comes up again.
        if (!(error instanceof HttpError)) throw error;
      }
    }
  }

  get jobs(): number {
    return this.options.jobs ?? DEFAULT_JOBS;
  }

  /** Whether manifests without a tag are copied. Those that indexes lead to are in any case. */
  get wantsUntagged(): boolean {
    const { tagFilter = [], platforms = [], untagged = tagFilter.length === 0 } = this.options;
    return untagged && platforms.length === 0;
  }

  /** Drops the tokens for two repositories that are done with. */
  forget(source: Repository, target: Repository): void {
    this.#source.forget(source);
    this.client.forget(target);
    this.state.forget(target.name);
  }

  /** Whether the options leave nothing out that a repository's listing names. */
  get wantsAll(): boolean {
    return this.wantsUntagged && (this.options.tagFilter ?? []).length === 0;
  }

  /** Whether a tag is among those to copy. */
  wantsTag(tag: string): boolean {
    return this.#wantsTag(tag);
  }

  /** Whether a repository of the source, given by its path, is among those to copy. */
  wantsRepository(path: string): boolean {
    return !this.#excludes(path) && (this.options.shard === undefined || isInShard(path, this.options.shard));
  }

  /** Tells of what happened. */
  tell(event: CopyEvent): void {
    if (event.kind === "manifest" || event.kind === "repository") this.#unreachable = 0;
    this.options.onEvent?.(event);
  }

  /** Notes what could not be done. @throws the reason of the signal if that is why */
  fail(name: string, error: unknown): void {
    this.signal.throwIfAborted();
    this.failed++;
    const failure = { name, error };
    if (this.failures.length < MAX_FAILURES) this.failures.push(failure);
    this.tell({ kind: "failed", failure });
    // With a hint it is no hiccup but a registry that is not there, and so for all that is left.
    const isGone = error instanceof NetworkError && error.hint !== undefined;
    this.#unreachable = isGone ? this.#unreachable + 1 : 0;
    if (this.#unreachable >= MAX_UNREACHABLE) this.stop(error);
  }

  /** Ends the copy for a reason that lies beyond one repository. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  async #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    this.tell({ kind: "waiting", ms });
    await (this.options.retry?.wait?.(ms, signal) ?? delay(ms, { signal }));
  }

  /** Does something with the journal, without which the copy must not go on. */
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
