import { HttpError, ProtocolError } from "../src/errors.ts";
import { digestBytes } from "../src/io/mod.ts";
import type { Registry, Repository } from "../src/name/mod.ts";
import { DEFAULT_JOBS } from "../src/graph/mod.ts";
import { type CatalogPage, Puller } from "../src/remote/mod.ts";
import { type Hash, jsonBytes } from "../src/spec/mod.ts";
import { type CopyRoot, parseRoot } from "./copy_route.ts";
import { listRepository, type ListRepositoryOptions, type RepositoryListing, truncated } from "./list.ts";
import { Lookahead } from "./lookahead.ts";

/** A repository that a walk came by. */
export interface WalkedRepository {
  /** The repository. */
  readonly repository: Repository;
  /** What its registry says of it. */
  readonly listing: RepositoryListing;
}

/** What a walk could not see. */
export interface WalkFailure {
  /** The name of the repository, or of the registry whose catalog it was. */
  readonly name: string;
  /** Why. */
  readonly error: unknown;
}

/** Options of {@linkcode walkRepositories}; `jobs` is how many repositories are listed at the same time. */
export interface WalkOptions extends Omit<ListRepositoryOptions, "last"> {
  /**
   * Which repositories are given. Those left out are not even listed where a catalog tells of them.
   * @default all
   */
  select?: (repository: Repository) => boolean;
  /**
   * Told of what could not be seen; the walk goes on with the rest.
   * @default the first failure ends the walk
   */
  onFailure?: (failure: WalkFailure) => void;
}

/**
 * Gives a repository and all below it, or all repositories of a registry, each with its listing. A repository comes
 * before those below it, and its siblings are sorted.
 *
 * What is below is found by Google's extension of the list of tags, else in the registry's catalog. Nothing is kept of
 * what was given already, and a few listings at most are asked for ahead, so memory does not grow with the registry.
 * Whatever a listing says, the walk stays below its root and comes to an end: names that lead elsewhere, and
 * repositories that list the same below them as those above, are failures.
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

/** Where the walk goes next. */
interface Step {
  readonly repository: Repository;
  /** What tells the listings of the repositories above from others, the next one last. */
  readonly above: readonly Hash[];
}

/** A step, or what could not be seen in its place. */
type Found = Step | WalkFailure;

class Walk {
  readonly #options: WalkOptions;
  readonly #puller: Puller;
  readonly #line: Lookahead<Found, RepositoryListing>;
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

  /** All repositories of a registry. */
  async *registry(registry: Registry): AsyncGenerator<WalkedRepository, void, undefined> {
    this.#line.putFirst(this.#catalog(registry));
    yield* this.#follow(false);
  }

  /** A repository and those below. */
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
      // There need not be a repository where there are some below.
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

  /** Ends what was begun. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#line.close();
  }

  async *#follow(descend: boolean): AsyncGenerator<WalkedRepository, void, undefined> {
    for (let taken = await this.#line.take(); taken; taken = await this.#line.take()) {
      const { item, outcome } = taken;
      if ("error" in item || "error" in outcome) {
        const name = "error" in item ? item.name : item.repository.name;
        // Between the catalog and now the last of a repository may have gone, but not the catalog.
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

  /** The repositories of a catalog, those below `root` if that is given. */
  async *#catalog(registry: Registry, root?: Repository): AsyncGenerator<Found, void, undefined> {
    const { pageSize = 1000 } = this.#options;
    const what = `the catalog of ${registry}`;
    const prefix = root ? `${root.path}/` : "";
    let previous = new Set<string>();
    let last: string | undefined;
    try {
      for (;;) {
        let page: CatalogPage | undefined;
        let pages = 0;
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
        // A registry that has sent a link would send the next one too.
        if (pages > 1 || page?.repositories.length !== pageSize) return;
        // A full page without a link may be the last one: the page after it tells, unless it is the same again.
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

/** The steps to the repositories that a listing names as those below. */
async function stepsBelow(step: Step, listing: RepositoryListing): Promise<Found[]> {
  const { repository } = step;
  const { child = [], tags, manifest = {} } = listing;
  const mark = await digestBytes(jsonBytes([child, tags.toSorted(), Object.keys(manifest).sort()]));
  if (step.above.filter((other) => other === mark).length >= 2) {
    const error = new ProtocolError(
      `${repository} lists the same repositories, tags and manifests as two of those above it: its registry goes round in circles`,
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

/** The step to a repository that a registry names. */
function named(registry: Registry, name: string, options: { what: string; above: readonly Hash[] }): Found {
  const { what, above } = options;
  // A name with empty parts would be another one in some places, and one that starts with a slash another host.
  if (/^\/|\/\/|\/$/.test(name)) return { name: `${registry}`, error: misnamed(name, what) };
  try {
    return { repository: registry.repository(name), above };
  } catch (error) {
    return { name: `${registry}`, error: misnamed(name, what, error) };
  }
}

function misnamed(name: string, what: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`${what} has ${JSON.stringify(name.slice(0, 300))}, which is no repository there`, {
    cause,
  });
}

function untold(root: Repository, cause: HttpError): ProtocolError {
  return new ProtocolError(
    `what is below ${root} can't be known, as ${root.registry} shows no catalog: ${cause.status}`,
    {
      cause,
      hint: "name the repositories one by one",
    },
  );
}

/** Whether a registry says that there is no such repository. */
function isUnknown(error: unknown): boolean {
  return error instanceof HttpError && error.status === 404 &&
    error.diagnostics.some(({ code }) => code === "NAME_UNKNOWN");
}
