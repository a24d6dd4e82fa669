import { HttpError, ProtocolError } from "../src/errors.ts";
import { digestBytes, Limits, Tally } from "../src/io/mod.ts";
import type { Registry, Repository } from "../src/name/mod.ts";
import { DEFAULT_JOBS } from "../src/graph/internal.ts";
import { type CatalogPage, Puller } from "../src/remote/mod.ts";
import { jsonBytes } from "../src/spec/internal.ts";
import type { Hash } from "../src/spec/mod.ts";
import { type CopyRoot, parseRoot } from "./copy_route.ts";
import { listRepository, type ListRepositoryOptions, type RepositoryListing, truncated } from "./list.ts";
import { Lookahead } from "./lookahead.ts";

/** A repository of a walk. */
export interface WalkedRepository {
  /** The repository. */
  readonly repository: Repository;
  /** The registry's listing of it. */
  readonly listing: RepositoryListing;
  /**
   * Whether the listing lacks something that could not be read.
   * @default false
   */
  readonly partial?: boolean;
}

/** A part of the registry that a walk could not read. */
export interface WalkFailure {
  /** The name of the repository, or of the registry with the catalog. */
  readonly name: string;
  /** The cause. */
  readonly error: unknown;
}

/** Options of {@linkcode walkRepositories}; `jobs` is the number of repositories that are listed at the same time. */
export interface WalkOptions extends Omit<ListRepositoryOptions, "last"> {
  /**
   * Returns whether to yield a repository. Others from a catalog are not even listed.
   *
   * @default all
   */
  select?: (repository: Repository) => boolean;
  /**
   * Called for each failure; the walk continues with the rest.
   *
   * @default the first failure ends the walk
   */
  onFailure?: (failure: WalkFailure) => void;
}

/**
 * Yields a repository and all below it, or all repositories of a registry, each with its listing. A repository comes
 * before those below it, and siblings are sorted.
 *
 * The repositories below are found by Google's extension of the tag list, else in the registry's catalog. Memory does
 * not grow with the registry: yielded repositories are not kept, and only a few listings are requested ahead. The walk
 * always ends and stays below its root: a name outside of the root, and a cycle of repositories with the same listing,
 * are failures.
 */
export async function* walkRepositories(
  root: CopyRoot | string,
  options: WalkOptions = {},
): AsyncGenerator<WalkedRepository, void, undefined> {
  const from = parseRoot(root, options);
  const walk = new Walk(options);
  try {
    yield* from.kind === "repository" ? walk.below(from) : walk.registry(from);
  } finally {
    await walk.close();
  }
}

/** The next step of a walk. */
interface Step {
  readonly repository: Repository;
  /** Identifiers of the listings of the repositories above, the nearest one last. */
  readonly above: readonly Hash[];
}

/** A step, or a failure in its place. */
type StepOrFailure = Step | WalkFailure;

class Walk {
  readonly #options: WalkOptions;
  readonly #puller: Puller;
  readonly #line: Lookahead<StepOrFailure, RepositoryListing>;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: WalkOptions) {
    const { puller = new Puller(options), jobs = DEFAULT_JOBS, signal } = options;
    this.#options = options;
    this.#puller = puller;
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    const list = { ...options, puller, last: undefined, signal: this.#signal };
    this.#line = new Lookahead(jobs, async (found) => {
      if ("error" in found) throw found.error;
      return await listRepository(found.repository, list);
    });
  }

  /** Yields all repositories of a registry. */
  async *registry(registry: Registry): AsyncGenerator<WalkedRepository, void, undefined> {
    this.#line.putFirst(this.#catalog(registry));
    yield* this.#follow(false);
  }

  /** Yields a repository and those below. */
  async *below(root: Repository): AsyncGenerator<WalkedRepository, void, undefined> {
    let listing: RepositoryListing | undefined;
    let unknown: unknown;
    try {
      const { onTruncated } = this.#options;
      listing = await listRepository(root, {
        ...this.#options,
        puller: this.#puller,
        signal: this.#signal,
        onTruncated,
      });
    } catch (error) {
      // A parent need not exist as a repository.
      if (!(error instanceof HttpError && error.status === 404)) return this.#fail({ name: root.name, error });
      unknown = error;
    }
    if (listing && this.#isWanted(root)) yield { repository: root, listing };
    if (listing?.child) {
      this.#line.putFirst(await stepsBelow({ repository: root, above: [] }, listing));
      return yield* this.#follow(true);
    }
    let found = listing !== undefined;
    this.#line.putFirst(this.#catalog(root.registry, root));
    for await (const walked of this.#follow(false)) {
      found = true;
      yield walked;
    }
    if (!found) this.#fail({ name: root.name, error: unknown });
  }

  /** Ends the pending work. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#line.close();
  }

  async *#follow(descend: boolean): AsyncGenerator<WalkedRepository, void, undefined> {
    for (let taken = await this.#line.take(); taken; taken = await this.#line.take()) {
      const { item, outcome } = taken;
      if ("error" in item || "error" in outcome) {
        const name = "error" in item ? item.name : item.repository.name;
        // The repository may have been deleted since the catalog was read, but the catalog can't have been.
        const hasGone = !descend && !("error" in item) && isUnknown(outcome.error);
        if (!hasGone) this.#fail({ name, error: outcome.error });
        continue;
      }
      const { repository } = item;
      const listing = outcome.result;
      if (descend && listing.child?.length) this.#line.putFirst(await stepsBelow(item, listing));
      if (!descend || this.#isWanted(repository)) yield { repository, listing };
    }
  }

  /** Yields the repositories of a catalog, or those below `root`. */
  async *#catalog(registry: Registry, root?: Repository): AsyncGenerator<StepOrFailure, void, undefined> {
    const { pageSize = 1000 } = this.#options;
    const what = `the catalog of ${registry}`;
    const prefix = root ? `${root.path}/` : "";
    let previous = new Set<string>();
    let last: string | undefined;
    const rounds = new Tally(Limits.pages, `the pages of ${what}`);
    try {
      for (;;) {
        let page: CatalogPage | undefined;
        let pages = 0;
        rounds.add(1);
        for await (page of this.#puller.catalogPages(registry, { pageSize, last, signal: this.#signal })) {
          const names = new Set(page.repositories.filter((name) => name.startsWith(prefix)).sort());
          for (const name of names) {
            if (previous.has(name)) continue;
            const step = named(registry, name, { what, above: [] });
            if ("error" in step || this.#isWanted(step.repository)) yield step;
          }
          previous = names;
          pages++;
        }
        // A registry that has sent a link before would also send the next one.
        if (pages > 1 || page?.repositories.length !== pageSize) return;
        // A full page without a link may be the last one: the next page decides, unless it is the same again.
        const next = page.repositories.at(-1);
        if (next === last) throw truncated(what, pageSize);
        last = next;
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      yield { name: registry.name, error: root && error instanceof HttpError ? untold(root, error) : error };
    }
  }

  #isWanted(repository: Repository): boolean {
    return this.#options.select?.(repository) ?? true;
  }

  #fail(failure: WalkFailure): void {
    const { signal, onFailure } = this.#options;
    signal?.throwIfAborted();
    if (!onFailure) throw failure.error;
    onFailure(failure);
  }
}

/** Returns the steps to the repositories that a listing names as those below. */
async function stepsBelow(step: Step, listing: RepositoryListing): Promise<StepOrFailure[]> {
  const { repository } = step;
  const { child = [], tags, manifest = {} } = listing;
  const mark = await digestBytes(jsonBytes([child, tags.toSorted(), Object.keys(manifest).sort()]));
  if (step.above.filter((other) => other === mark).length >= 2) {
    const error = new ProtocolError(
      `${repository} lists the same repositories, tags and manifests as two of those above it: the registry's listing has a cycle`,
    );
    return [{ name: repository.name, error }];
  }
  return child.map((name) => {
    const path = `${repository.path}/${name}`;
    return /^[^/]+$/.test(name)
      ? named(repository.registry, path, { what: `the list of ${repository}`, above: [...step.above, mark] })
      : { name: path, error: misnamed(name, `the list of ${repository}`) };
  });
}

/** Returns the step to a repository that a registry names. */
function named(registry: Registry, name: string, options: { what: string; above: readonly Hash[] }): StepOrFailure {
  const { what, above } = options;
  // A name with empty parts may be read as another name, and one that starts with a slash as another host.
  if (/^\/|\/\/|\/$/.test(name)) return { name: `${registry}`, error: misnamed(name, what) };
  try {
    return { repository: registry.repository(name), above };
  } catch (error) {
    return { name: `${registry}`, error: misnamed(name, what, error) };
  }
}

function misnamed(name: string, what: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`${what} has ${JSON.stringify(name.slice(0, 300))}, which is not a valid name there`, {
    cause,
  });
}

function untold(root: Repository, cause: HttpError): ProtocolError {
  return new ProtocolError(
    `the repositories below ${root} are unknown, as ${root.registry} has no catalog: ${cause.status}`,
    {
      cause,
      hint: "name the repositories one by one",
    },
  );
}

/** Returns whether the registry reports an unknown repository. */
function isUnknown(error: unknown): boolean {
  return error instanceof HttpError && error.status === 404 &&
    error.diagnostics.some(({ code }) => code === "NAME_UNKNOWN");
}
