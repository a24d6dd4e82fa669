import { HttpError } from "../src/errors.ts";
import type { Repository } from "../src/name/mod.ts";
import type { ExtraItem } from "./copy_options.ts";
import type { CopyRun } from "./copy_run.ts";
import { type ExtraOfRepository, surveyOf } from "./extra_deletion.ts";
import { ExtraJudge, nameOf } from "./extra_judge.ts";
import type { RepositoryListing } from "./list.ts";
import type { TargetListing } from "./repository_copy.ts";
import { walkRepositories } from "./walk.ts";

/** What a pair of repositories had when they were compared. */
export interface ComparedRepositories {
  /** The repository of the target. */
  readonly target: Repository;
  /** What it had. */
  readonly before: RepositoryListing;
  /** What its source has; nothing when there is no such repository. */
  readonly listing: RepositoryListing;
  /** Whether nothing has been copied since. */
  readonly isCurrent?: boolean;
}

/**
 * Finds what the target has and the source has not, and what nothing needs that stays. Whatever the options leave out of
 * the copy is left out here too, so it is never extra. Of manifests without a tag it can be told only where both
 * registries list them.
 */
export class ExtraFinder {
  readonly #run: CopyRun;
  readonly #seen = new Set<string>();
  /** What was found. */
  readonly repositories: ExtraOfRepository[] = [];

  constructor(run: CopyRun) {
    this.#run = run;
  }

  /** Takes note that the source names a repository: whatever came of it, it is no other. */
  named(source: Repository): void {
    this.#seen.add(source.repository);
  }

  /** Compares a repository with what the target has of it. */
  async compare(source: Repository, listing: RepositoryListing, before: TargetListing): Promise<void> {
    if (before) await this.#find({ target: this.#run.route.targetOf(source), before, listing });
  }

  /** Goes through the repositories of the target that the source does not have. */
  async findOthers(): Promise<void> {
    const { route, puller, jobs, signal } = this.#run;
    const nothing = { tags: [], child: [], manifest: {} };
    const walk = walkRepositories(route.target, {
      puller,
      jobs,
      signal,
      select: (repository) => this.#isOther(repository),
      onFailure: ({ name, error }) => {
        const isNotThere = error instanceof HttpError && error.status === 404 && name === `${route.target}`;
        if (!isNotThere) this.#run.fail(name, error);
      },
    });
    for await (const { repository, listing } of walk) {
      try {
        await this.#find({ target: repository, before: listing, listing: { name: "", ...nothing }, isCurrent: true });
      } catch (error) {
        this.#run.fail(repository.name, error);
      }
    }
  }

  #isOther(repository: Repository): boolean {
    const source = this.#run.route.sourceOf(repository);
    return source !== undefined && this.#run.wantsRepository(source.repository) && !this.#seen.has(source.repository);
  }

  async #find({ target, before, listing, isCurrent = false }: ComparedRepositories): Promise<void> {
    const { onlyExtra } = this.#run.options;
    const allowed = onlyExtra?.filter(({ repository }) => repository === target.name);
    const judge = new ExtraJudge(this.#run, listing, allowed);
    if (!judge.isConcerned(before)) return;
    const survey = surveyOf(this.#run, target);
    const { manifests, tags, left } = judge.judge(await survey.look(isCurrent ? { listing: before } : {}), survey);
    for (const [what, reason] of left) this.#run.tell({ kind: "left", name: nameOf(target.name, what), reason });
    const items = [...tags, ...manifests.map(({ digest }) => ({ digest }))].map((item) => ({
      repository: target.name,
      ...item,
    }));
    if (items.length > 0) this.repositories.push({ target, judge, items });
  }
}

/** The same items by repository, tags before manifests. */
export function sorted(items: readonly ExtraItem[]): ExtraItem[] {
  const key = ({ repository, tag, digest }: ExtraItem) =>
    `${repository} ${tag === undefined ? `@${digest}` : `:${tag}`}`;
  return items.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
}
