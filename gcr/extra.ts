import { HttpError, NotFoundError } from "../src/errors.ts";
import type { Repository } from "../src/name/mod.ts";
import type { ExtraItem } from "./copy_options.ts";
import type { CopyRoot } from "./copy_route.ts";
import type { CopyRun } from "./copy_run.ts";
import { type ExtraOfRepository, surveyOf } from "./extra_deletion.ts";
import { ExtraJudge, nameOf } from "./extra_judge.ts";
import type { RepositoryListing } from "./list.ts";
import { isEmpty, type TargetListing } from "./repository_copy.ts";
import { type WalkFailure, walkRepositories } from "./walk.ts";

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
  #sourceIsEmpty = true;
  /** What was found. */
  readonly repositories: ExtraOfRepository[] = [];

  constructor(run: CopyRun) {
    this.#run = run;
  }

  /** Takes note that the source names a repository: whatever came of it, it is no other. */
  named(source: Repository): void {
    this.#seen.add(source.path);
    // What the options leave out, another shard for example, may have something.
    if (!this.#run.wantsRepository(source.path)) this.#sourceIsEmpty = false;
  }

  /** Compares a repository with what the target has of it. */
  async compare(source: Repository, listing: RepositoryListing, before: TargetListing): Promise<void> {
    this.#sourceIsEmpty &&= isEmpty(listing);
    if (!before) return;
    const target = this.#run.route.targetOf(source);
    await this.#find({ target, before, listing });
    if (isEmpty(listing)) this.#checkMeant(source, target);
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
      onFailure: (failure) => {
        if (!isNotThere(route.target, failure)) this.#run.fail(failure.name, failure.error);
      },
    });
    for await (const { repository, listing } of walk) {
      try {
        await this.#find({ target: repository, before: listing, listing: { name: "", ...nothing }, isCurrent: true });
        // The root of the source was asked for: what is not seen there answered 404.
        if (this.#sourceIsEmpty || repository.name === `${route.target}`) this.#checkMeant(route.source, repository);
      } catch (error) {
        this.#run.fail(repository.name, error);
        if (this.#sourceIsEmpty) return;
      }
    }
  }

  /** Refuses what was found because the source has nothing: one that is broken looks the same. */
  #checkMeant(source: CopyRoot, target: Repository): void {
    if (this.#run.options.allowEmpty || !this.repositories.some((other) => other.target.name === target.name)) return;
    throw new NotFoundError(`${source} has nothing, so all that ${target} has would be deleted`, {
      hint: "look at the source; if it is meant to have nothing, use --allow-empty",
    });
  }

  #isOther(repository: Repository): boolean {
    const source = this.#run.route.sourceOf(repository);
    return source !== undefined && this.#run.wantsRepository(source.path) && !this.#seen.has(source.path);
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

/** Whether a walk failed because its root is not there. */
export function isNotThere(root: CopyRoot, { name, error }: WalkFailure): boolean {
  return error instanceof HttpError && error.status === 404 && name === `${root}`;
}

/** The same items by repository, tags before manifests. */
export function sorted(items: readonly ExtraItem[]): ExtraItem[] {
  const key = ({ repository, tag, digest }: ExtraItem) =>
    `${repository} ${tag === undefined ? `@${digest}` : `:${tag}`}`;
  return items.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
}
