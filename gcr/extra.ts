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

/** A pair of repositories at the time of their comparison. */
export interface ComparedRepositories {
  /** The repository of the target. */
  readonly target: Repository;
  /** The repository of the source; it does not exist if the listing is empty. */
  readonly source: Repository;
  /** The listing of the target. */
  readonly before: RepositoryListing;
  /** The listing of the source; empty if there is no such repository. */
  readonly listing: RepositoryListing;
  /** Whether nothing has been copied since. */
  readonly isCurrent?: boolean;
}

/**
 * Finds content of the target that the source does not have and that no other content needs. Content that the options
 * exclude from the copy is never extra. Manifests without a tag can be compared only if both registries list them.
 */
export class ExtraFinder {
  readonly #run: CopyRun;
  readonly #seen = new Set<string>();
  #sourceIsEmpty = true;
  /** The extra content that was found. */
  readonly repositories: ExtraOfRepository[] = [];

  constructor(run: CopyRun) {
    this.#run = run;
  }

  /** Records that the source has a repository, whether its copy succeeded or not. */
  named(source: Repository): void {
    this.#seen.add(source.path);
    // A repository that the options exclude, for example one of another shard, may have content.
    if (!this.#run.wantsRepository(source.path)) this.#sourceIsEmpty = false;
  }

  /** Compares a repository with its target. */
  async compare(source: Repository, listing: RepositoryListing, before: TargetListing): Promise<void> {
    this.#sourceIsEmpty &&= isEmpty(listing);
    if (!before) return;
    const target = this.#run.route.targetOf(source);
    await this.#find({ target, source, before, listing });
    if (isEmpty(listing)) this.#checkMeant(source, target);
  }

  /** Walks through the repositories of the target that the source does not have. */
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
        const source = route.sourceOf(repository)!;
        const found = { target: repository, source, before: listing, listing: { name: "", ...nothing } };
        await this.#find({ ...found, isCurrent: true });
        // The walk started at the source's root, so a root that it did not report has responded with 404.
        if (this.#sourceIsEmpty || repository.name === `${route.target}`) this.#checkMeant(route.source, repository);
      } catch (error) {
        this.#run.fail(repository.name, error);
        if (this.#sourceIsEmpty) return;
      }
    }
  }

  /** Rejects extra content of an empty source, as a broken source looks the same. */
  #checkMeant(source: CopyRoot, target: Repository): void {
    if (this.#run.options.allowEmpty || !this.repositories.some((other) => other.target.name === target.name)) return;
    throw new NotFoundError(`${source} is empty, so everything in ${target} would be deleted`, {
      hint: "check the source; if it should be empty, use --allow-empty",
    });
  }

  #isOther(repository: Repository): boolean {
    const source = this.#run.route.sourceOf(repository);
    return source !== undefined && this.#run.wantsRepository(source.path) && !this.#seen.has(source.path);
  }

  async #find({ target, source, before, listing, isCurrent = false }: ComparedRepositories): Promise<void> {
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
    if (items.length > 0) this.repositories.push({ target, source, judge, items });
  }
}

/** Returns whether a walk failed because its root does not exist. */
export function isNotThere(root: CopyRoot, { name, error }: WalkFailure): boolean {
  return error instanceof HttpError && error.status === 404 && name === `${root}`;
}

/** Returns the same items ordered by repository, tags before manifests. */
export function sorted(items: readonly ExtraItem[]): ExtraItem[] {
  const key = ({ repository, tag, digest }: ExtraItem) =>
    `${repository} ${tag === undefined ? `@${digest}` : `:${tag}`}`;
  return items.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
}
