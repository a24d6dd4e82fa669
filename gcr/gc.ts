import { digestBytes } from "../src/io/mod.ts";
import { parseRepository, type Registry, type Repository } from "../src/name/mod.ts";
import type { Hash } from "../src/spec/mod.ts";
import { type CopyRoot, parseRoot } from "./copy_route.ts";
import type { GcResult } from "./gc_events.ts";
import { type GarbagePlan, planGarbage } from "./gc_plan.ts";
import { type GarbagePlanFile, planText } from "./gc_plan_file.ts";
import { checkRules, type GcPins, type GcRules } from "./gc_rules.ts";
import { GcRun, type GcRunOptions } from "./gc_run.ts";
import type { Garbage } from "./gc_sweep.ts";
import type { Survey } from "./gc_survey.ts";
import type { RepositoryListing } from "./list.ts";
import { Lookahead } from "./lookahead.ts";
import { anyOf, repositoryPattern } from "../src/name/internal.ts";
import { walkRepositories } from "./walk.ts";

/** The number of repositories that are read at the same time. */
const AHEAD = 4;

/** Options of {@linkcode collectGarbage}. */
export interface CollectGarbageOptions extends GcRunOptions {
  /**
   * The rules on what to delete and what to keep.
   *
   * @default everything that is not reachable from a tag is deleted, one day after its upload
   */
  rules?: GcRules;
  /**
   * Whether to include the repositories below. A registry always includes all its repositories.
   *
   * @default false
   */
  recursive?: boolean;
  /**
   * The repositories to include, by their path in the registry: globs, which include those below, or regular
   * expressions in slashes.
   *
   * @default all
   */
  repositories?: readonly string[];
  /**
   * The repositories to leave out, in the same form.
   *
   * @default none
   */
  exclude?: readonly string[];
  /**
   * Whether to delete the garbage that is found.
   *
   * @default false
   */
  delete?: boolean;
}

/** A repository to read, with its listing if that was requested already. */
interface Candidate {
  readonly repository: Repository;
  readonly listing?: RepositoryListing;
}

/**
 * Finds manifests that are not reachable, and deletes them if requested: mark and sweep, see {@linkcode planGarbage}. A
 * read failure keeps all of its repository, and the rest continues. Each repository is read again before anything is
 * deleted.
 *
 * @throws {UsageError} for invalid rules.
 */
export async function collectGarbage(
  from: CopyRoot | string,
  options: CollectGarbageOptions = {},
): Promise<GcResult> {
  const root = parseRoot(from, options);
  const { rules = {}, recursive = false, repositories, exclude } = options;
  checkRules(rules);
  const { pins: _, ...lasting } = rules;
  const work = { journal: "gc", version: 1, root: root.name, recursive, repositories, exclude, rules: lasting };
  const run = await GcRun.begin(options, options.delete ? work : undefined);
  const line = new Lookahead(AHEAD, ({ repository, listing }: Candidate) => judge(run, rules, repository, listing));
  try {
    line.putFirst(candidates(root, run, options));
    for (let taken = await line.take(); taken; taken = await line.take()) {
      const { item: { repository }, outcome } = taken;
      if ("error" in outcome) {
        run.fail(repository.name, outcome.error);
        continue;
      }
      const { survey, plan } = outcome.result;
      for (const manifest of plan.manifests) run.tally.tell({ kind: "garbage", repository: repository.name, manifest });
      for (const tag of plan.tags) run.tally.tell({ kind: "tag", repository: repository.name, tag });
      if (options.delete) await sweep(run, rules, { survey, garbage: plan });
      const { undated, young, youngTags } = plan;
      run.tally.tell({ kind: "repository", repository: { ...survey.summary(), undated, young, youngTags } });
      run.forget(repository);
    }
  } finally {
    await line.close();
    await run.close();
  }
  return run.tally.result();
}

/** Options of {@linkcode applyGarbagePlan}. */
export interface ApplyGarbagePlanOptions extends GcRunOptions {
  /**
   * Content in use, which is kept even if it is in the plan.
   *
   * @default only the content in use when the plan was made
   */
  pins?: GcPins;
}

/**
 * Deletes the garbage of a plan that is still garbage: each repository is read again, and a manifest that has become
 * reachable, or has other tags than in the plan, is kept. Nothing else is deleted.
 */
export async function applyGarbagePlan(
  plan: GarbagePlanFile,
  options: ApplyGarbagePlanOptions = {},
): Promise<GcResult> {
  const { trustCreated, allowMissing } = plan;
  const digest = await digestBytes(new TextEncoder().encode([...planText(plan)].join("")));
  const work = { journal: "gc apply", version: 1, plan: digest };
  const run = await GcRun.begin({ ...options, trustCreated, allowMissing }, work);
  try {
    for (const [name, items] of Map.groupBy(plan.items, ({ repository }) => repository)) {
      const repository = parseRepository(name, { insecure: options.insecure });
      if (run.wasDone(repository)) continue;
      const manifests = items.filter((item) => item.tag === undefined).map(({ digest, tags = [] }) => ({
        digest,
        tags,
      }));
      const tags = items.flatMap(({ tag, digest }) => tag === undefined ? [] : [{ tag, digest }]);
      const targets = new Map<string, Hash>([
        ...tags.map(({ tag, digest }) => [tag, digest] as const),
        ...manifests.flatMap(({ digest, tags }) => tags.map((tag) => [tag, digest] as const)),
      ]);
      const { grace, orphans } = plan;
      const rules = { grace, orphans, pins: options.pins, remove: [{ targets }] };
      const survey = run.survey(repository);
      const isDone = await sweep(run, rules, { survey, garbage: { manifests, tags } });
      if (isDone) run.tally.tell({ kind: "repository", repository: survey.summary() });
    }
  } finally {
    await run.close();
  }
  return run.tally.result();
}

/** Yields the repositories to read. */
async function* candidates(
  root: Registry | Repository,
  run: GcRun,
  options: CollectGarbageOptions,
): AsyncGenerator<Candidate, void, undefined> {
  const { recursive, repositories, exclude = [], jobs, signal } = options;
  const isMeant = anyOf((repositories ?? ["**"]).map(repositoryPattern));
  const isLeftOut = anyOf(exclude.map(repositoryPattern));
  const select = (repository: Repository) =>
    isMeant(repository.path) && !isLeftOut(repository.path) && !run.wasDone(repository);
  if (root.kind === "repository" && !recursive) {
    if (select(root)) yield { repository: root };
    return;
  }
  const { puller } = run;
  const onFailure = ({ name, error }: { name: string; error: unknown }) => run.fail(name, error);
  yield* walkRepositories(root, { puller, jobs, signal, select, onFailure });
}

async function judge(
  run: GcRun,
  rules: GcRules,
  repository: Repository,
  listing: RepositoryListing | undefined,
): Promise<{ survey: Survey; plan: GarbagePlan }> {
  const survey = run.survey(repository);
  const graph = await survey.look({ listing });
  return { survey, plan: planGarbage(graph, rules, run.now()) };
}

/** Deletes garbage of a repository. Returns `false` on a failure, which is reported. */
async function sweep(
  run: GcRun,
  rules: GcRules,
  { survey, garbage }: { survey: Survey; garbage: Garbage },
): Promise<boolean> {
  try {
    await run.sweep(survey, rules, garbage);
    return true;
  } catch (error) {
    run.fail(survey.repository.name, error);
    return false;
  }
}
