import { ProtocolError } from "../src/errors.ts";
import { mapConcurrent } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { isHash } from "../src/spec/mod.ts";
import { findOrUndefined } from "../src/transport/internal.ts";
import type { ExtraItem } from "./copy_options.ts";
import type { CopyRun } from "./copy_run.ts";
import { type ExtraJudge, isReferrersTag } from "./extra_judge.ts";
import { attachedDigest, type GcGraph } from "./gc_graph.ts";
import { Survey } from "./gc_survey.ts";
import { type Garbage, type LooseTag, Sweep, type SweepEvent } from "./gc_sweep.ts";

/** The extra content of one repository of the target. */
export interface ExtraOfRepository {
  /** The repository. */
  readonly target: Repository;
  /** The repository of the source that it is a copy of, which need not exist. */
  readonly source: Repository;
  /** The items to delete. */
  readonly items: readonly ExtraItem[];
  /** Decides again which of them are extra. */
  readonly judge: ExtraJudge;
}

type LeftBySweep = Extract<SweepEvent, { kind: "left" }>;

/** Creates a survey of a repository of the target. A missing member is an error if its index is kept. */
export function surveyOf({ puller, slots, jobs, signal }: CopyRun, target: Repository): Survey {
  return new Survey(target, { puller, slots, jobs, signal, trustCreated: false, allowMissing: true });
}

/** Deletes extra content that is still extra and unchanged: tags, then their manifests. */
export async function deleteExtra(run: CopyRun, repositories: readonly ExtraOfRepository[]): Promise<void> {
  const { jobs, signal } = run;
  await mapConcurrent(repositories, { concurrency: jobs, signal }, async (extra) => {
    const { target } = extra;
    try {
      await new Deletion(run, extra).all();
    } catch (error) {
      run.fail(target.name, error);
    } finally {
      run.client.forget(target);
    }
  });
}

/** Converts the items to garbage. */
function garbageOf(items: readonly ExtraItem[]): Garbage {
  const tags = items.flatMap(({ tag, digest }) => tag === undefined ? [] : [{ tag, digest }]);
  const manifests = items.filter(({ tag }) => tag === undefined).map(({ digest }) => digest);
  const whole = new Set(manifests);
  const tagsOf = Map.groupBy(tags, ({ digest }) => digest);
  return {
    manifests: manifests.map((digest) => ({ digest, tags: (tagsOf.get(digest) ?? []).map(({ tag }) => tag) })),
    tags: tags.filter(({ digest }) => !whole.has(digest)),
  };
}

/** The deletion from one repository. */
class Deletion {
  readonly #run: CopyRun;
  readonly #target: Repository;
  readonly #source: Repository;
  readonly #judge: ExtraJudge;
  readonly #survey: Survey;
  readonly #waiting: Set<ExtraItem>;

  constructor(run: CopyRun, { target, source, judge, items }: ExtraOfRepository) {
    this.#run = run;
    this.#target = target;
    this.#source = source;
    this.#judge = judge;
    this.#survey = surveyOf(run, target);
    this.#waiting = new Set(items);
  }

  async all(): Promise<void> {
    const stuck: LooseTag[] = [];
    const garbage = garbageOf([...this.#waiting]);
    const loose = new Map(garbage.tags.map((item) => [item.tag, item]));
    await this.#sweep(garbage, (graph) => this.#judge.judge(graph, this.#survey), (event) => {
      const { what, name, why, reason, error } = event;
      const tag = loose.get(what);
      if (why !== "refused") this.#run.tell({ kind: "left", name, reason });
      else if (tag && !error) stuck.push(tag);
      else this.#run.fail(name, error ?? new ProtocolError(reason));
    });
    if (stuck.length > 0) await this.#deleteTargets(stuck);
  }

  /** Deletes the manifests of tags on a registry that can't delete a tag alone. */
  async #deleteTargets(stuck: readonly LooseTag[]): Promise<void> {
    const groups = Map.groupBy(stuck, ({ digest }) => digest as string);
    const manifests = [...groups.values()].map((group) => ({ ...group[0], tags: group.map(({ tag }) => tag) }));
    const judge = (graph: GcGraph) => this.#judge.judgeByDigest(graph, this.#survey);
    await this.#sweep({ manifests, tags: [] }, judge, ({ what, why, reason, error }) => {
      const problem = why === "refused"
        ? reason
        : "the registry can't delete a tag alone, and other content needs its manifest";
      const [{ tag }] = groups.get(what)!;
      this.#run.fail(`${this.#target}:${tag}`, error ?? new ProtocolError(problem));
    });
  }

  async #sweep(garbage: Garbage, judge: (graph: GcGraph) => Garbage, onLeft: (event: LeftBySweep) => void) {
    const { puller, deleter, jobs, signal } = this.#run;
    const tell = (event: SweepEvent) => {
      if (event.kind === "left") onLeft(event);
      else if (event.kind === "untagged") this.#tell(({ tag }) => tag === event.tag);
      // A registry that can't delete tags drops them with their manifest.
      else this.#tell(({ digest }) => digest === event.digest);
    };
    await new Sweep(this.#survey, {
      ...{ judge, puller, deleter, jobs, tell, signal },
      allowance: { left: Infinity },
      mustStay: (what, options) => this.#mustStay(what, options),
    }).run(garbage);
  }

  /** Asks the source itself: its lists may have been partial, and it may have got the content since. */
  async #mustStay(what: string, { signal }: { signal: AbortSignal }): Promise<boolean> {
    const subject = isReferrersTag(what) ? attachedDigest(what) : undefined;
    const names = [isHash(what) ? this.#source.digest(what) : this.#source.tag(what)];
    for (const reference of subject ? [...names, this.#source.digest(subject)] : names) {
      if (!await findOrUndefined(() => this.#run.reader.head(reference, { signal }))) continue;
      this.#judge.learn(what);
      return true;
    }
    return false;
  }

  #tell(isMeant: (item: ExtraItem) => boolean): void {
    for (const item of this.#waiting) {
      if (!isMeant(item)) continue;
      this.#waiting.delete(item);
      this.#run.counts.deleted++;
      this.#run.tell({ kind: "deleted", item });
    }
  }
}
