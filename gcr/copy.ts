import { CopyJournal } from "../src/graph/internal.ts";
import { type JournalLine, mapConcurrent } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { parsePlatform, platformString } from "../src/spec/mod.ts";
import type { CopyRecursivelyOptions, CopyResult } from "./copy_options.ts";
import { type CopyRoot, CopyRoute, parseRoot } from "./copy_route.ts";
import { CopyRun } from "./copy_run.ts";
import { ExtraFinder, isNotThere, sorted } from "./extra.ts";
import { deleteExtra } from "./extra_deletion.ts";
import { copyOneRepository } from "./repository_copy.ts";
import { type WalkedRepository, walkRepositories } from "./walk.ts";

/**
 * Copies a repository and all below it, or a whole registry: manifests by digest, then their tags. Does not send what
 * the destination has, so a second call copies only what is missing. A failure is reported in the result, and the rest
 * is still copied; the call itself throws if neither end can be read, if its signal aborts, and if the journal can't be
 * used.
 *
 * A repository below the source keeps its path below the target: `copyRecursively("a.example.com/team",
 * "b.example.com/mirror")` copies `team/web/app` to `mirror/web/app`. Below a registry it keeps its whole path.
 *
 * @throws {JournalError} if the journal belongs to a different copy.
 */
export async function copyRecursively(
  source: CopyRoot | string,
  target: CopyRoot | string,
  options: CopyRecursivelyOptions = {},
): Promise<CopyResult> {
  const route = new CopyRoute(parseRoot(source, options), parseRoot(target, options));
  const { journal: path, dryRun = false } = options;
  const identity = identityOf(route, options);
  const journal = path === undefined
    ? CopyJournal.none()
    : await CopyJournal.open(path, { identity, readOnly: dryRun });
  try {
    return await copyAll(new CopyRun(options, route, journal));
  } finally {
    await journal.close();
  }
}

/** Copies everything of a run, then finds or deletes the extra content. */
export async function copyAll(run: CopyRun): Promise<CopyResult> {
  const { options: { extra = "keep" }, journal, counts, failures } = run;
  const finder = extra === "keep" ? undefined : new ExtraFinder(run);
  const resumed = journal.repositories;
  if (resumed > 0) run.tell({ kind: "resumed", repositories: resumed });
  await run.checkRegistries();
  await copyRepositories(run, finder);
  if (counts.repositories + resumed === 0 && run.failed === 1) throw failures[0].error;

  // After a failure, content that was not read or copied may look extra.
  if (run.failed === 0) await finder?.findOthers();
  const found = run.failed === 0 ? finder?.repositories ?? [] : [];
  if (extra === "delete" && !run.options.dryRun) await deleteExtra(run, found);
  if (run.failed === 0) await run.note((journal) => journal.end());
  return { ...counts, resumed, failures, failed: run.failed, extra: sorted(found.flatMap(({ items }) => items)) };
}

async function copyRepositories(run: CopyRun, finder: ExtraFinder | undefined): Promise<void> {
  const { route, journal, reader, jobs, signal } = run;
  const select = (repository: Repository) => {
    finder?.named(repository);
    return route.isSource(repository) && run.wantsRepository(repository.path) &&
      // Finding extra content requires a comparison of all repositories.
      (finder !== undefined || !journal.isDone(repository.path));
  };
  const walk = run.terms.walk?.(run, select) ?? walkRepositories(route.source, {
    puller: reader,
    jobs,
    signal,
    select,
    onFailure: (failure) => {
      // A registry without a catalog does exist.
      const isMeant = finder && run.options.allowEmpty && route.source.kind === "repository";
      if (!(isMeant && isNotThere(route.source, failure))) run.fail(failure.name, failure.error);
    },
  });
  await mapConcurrent(walk, { concurrency: jobs, signal }, async (walked) => await copyWalked(run, walked, finder));
}

async function copyWalked(run: CopyRun, walked: WalkedRepository, finder: ExtraFinder | undefined): Promise<void> {
  const { repository, listing } = walked;
  try {
    const before = await copyOneRepository(run, walked);
    await finder?.compare(repository, listing, before);
  } catch (error) {
    run.fail(repository.name, error);
  }
}

/** Returns everything that decides what is copied: a journal with another identity belongs to a different copy. */
function identityOf({ source, target }: CopyRoute, options: CopyRecursivelyOptions): JournalLine {
  const { tagFilter = [], semver, exclude = [], platforms = [], withReferrers, untagged, noClobber, shard } = options;
  return {
    source: `${source}`,
    target: `${target}`,
    ...(tagFilter.length > 0 && { tagFilter }),
    ...(semver !== undefined && { semver }),
    ...(exclude.length > 0 && { exclude }),
    ...(platforms.length > 0 && { platforms: platforms.map((platform) => platformString(parsePlatform(platform))) }),
    ...(withReferrers && { withReferrers }),
    ...(untagged !== undefined && { untagged }),
    ...(noClobber && { noClobber }),
    ...(shard && { shard: `${shard.index}/${shard.count}` }),
  };
}
