import { UsageError } from "../../src/errors.ts";
import { CopyJournal } from "../../src/graph/internal.ts";
import type { Descriptor } from "../../src/spec/mod.ts";
import { copyAll } from "../copy.ts";
import type { CopyEvent, CopyRecursivelyOptions, CopyResult } from "../copy_options.ts";
import { type CopyRoot, CopyRoute } from "../copy_route.ts";
import { CopyRun, patientClient } from "../copy_run.ts";
import type { CopyTerms } from "../copy_terms.ts";
import { saveBackup } from "./backup.ts";
import { at } from "./fields.ts";
import { RateFloor } from "./rate_floor.ts";
import type { SyncEntry, SyncReferrerFilter } from "./sync_file.ts";
import { chooser } from "./tag_choice.ts";
import { templatePattern } from "./template.ts";
import { namedImages, oneRepository } from "./walks.ts";

/** Options of {@linkcode syncImages}: those of a recursive copy that the entries do not have themselves. */
export interface SyncOptions extends
  Omit<
    CopyRecursivelyOptions,
    "tagFilter" | "exclude" | "withReferrers" | "untagged" | "sourceKeychain" | "onEvent" | "client"
  > {
  /**
   * Called for each event, with its entry.
   *
   * @default not called
   */
  onEvent?: (event: CopyEvent, entry: SyncEntry) => void;
}

/**
 * Copies the entries of a sync file one after the other, as {@linkcode copyRecursively} copies. A failure is reported in
 * the result, and the rest is still copied.
 *
 * @throws {UsageError} if extra content is asked for and two entries have the same target.
 * @throws {JournalError} if the journal belongs to other entries.
 */
export async function syncImages(entries: readonly SyncEntry[], options: SyncOptions = {}): Promise<CopyResult> {
  const { extra = "keep", journal: path, dryRun = false } = options;
  if (extra !== "keep") checkTargets(entries);
  const journal = path === undefined
    ? CopyJournal.none()
    : await CopyJournal.open(path, { identity: identityOf(entries, options), readOnly: dryRun });
  try {
    const results = await new Sync(options, journal).all(entries);
    const result = results.reduce(sum, NOTHING);
    if (result.failed === 0 && !dryRun) await journal.end();
    return result;
  } finally {
    await journal.close();
  }
}

class Sync {
  readonly #options: SyncOptions;
  readonly #journal: CopyJournal;
  readonly #reached = new Set<string>();
  readonly #floor: RateFloor;
  /** The entry that is copied. */
  #entry: SyncEntry | undefined;

  constructor(options: SyncOptions, journal: CopyJournal) {
    this.#options = options;
    this.#journal = journal;
    this.#floor = new RateFloor(options.fetch);
  }

  async all(entries: readonly SyncEntry[]): Promise<CopyResult[]> {
    const isLimited = entries.some(({ rateFloor }) => rateFloor);
    const options = { ...this.#options, onEvent: undefined, ...(isLimited && { fetch: this.#floor.fetch }) };
    const client = patientClient(options, (event) => this.#tell(event));
    const results: CopyResult[] = [];
    const routed = entries.map((entry) => ({ entry, route: routeOf(entry) }));
    for (const { entry, route } of routed) {
      this.#entry = entry;
      results.push(await this.#one(entry, route, { ...options, client }));
    }
    return results;
  }

  async #one(entry: SyncEntry, route: CopyRoute, options: CopyRecursivelyOptions): Promise<CopyResult> {
    const { path, images, platforms } = entry;
    const hasTags = images?.every(({ to }) => to !== undefined) ?? true;
    const own: CopyRecursivelyOptions = {
      ...options,
      // A digest names one manifest, so no part of an index is meant.
      platforms: !hasTags ? [] : platforms.length > 0 ? platforms : options.platforms,
      untagged: !hasTags,
      withReferrers: entry.referrers || entry.digestTags,
      ...(entry.includeExternal && { allowNondistributable: true }),
      ...(images && { extra: "keep" }),
      onEvent: (event) => this.#tell(event),
    };
    const run = new CopyRun(own, route, this.#journal.part(path), this.#terms(entry));
    try {
      return await copyAll(run);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (run.failed === 0) run.fail(path, error);
      return { ...NOTHING, failures: run.failures, failed: run.failed };
    }
  }

  #terms(entry: SyncEntry): CopyTerms {
    const { images, rateFloor, backup, referrerFilters, mediaTypes, fastCheck, forceRecursive, tags } = entry;
    const named = images && new Set(images.map(({ to }) => to));
    const backups = backup === undefined || /[:/]/.test(backup) ? undefined : templatePattern(backup);
    return {
      ...(images
        ? { walk: (run) => namedImages(run, entry) }
        : entry.source.kind === "repository" && { walk: oneRepository }),
      wantsTag: named ? (tag) => named.has(tag) : tags.length === 0 ? undefined : chooser(tags),
      wantsRepository: entry.source.kind === "registry" ? chooser([entry.repositories]) : undefined,
      ...(backups && { keepsTag: (tag) => backups.test(tag) }),
      ...(mediaTypes && { mediaTypes }),
      referrers: {
        api: entry.referrers,
        tags: entry.digestTags,
        ...(referrerFilters.length > 0 && { wants: (found) => referrerFilters.some((filter) => fits(found, filter)) }),
      },
      fastCheck,
      deep: forceRecursive,
      ...(rateFloor && {
        beforeCopy: (run, source, digest) => this.#floor.pass(run, { source, digest, ...rateFloor }),
      }),
      ...(backup !== undefined && {
        beforeMove: (run, target, tag, digest) => saveBackup(run, entry, target.tag(tag), digest),
      }),
      reached: this.#reached,
    };
  }

  #tell(event: CopyEvent): void {
    this.#options.onEvent?.(event, this.#entry!);
  }
}

function routeOf({ path, source, target, images }: SyncEntry): CopyRoute {
  return at(path, () => new CopyRoute(source, target, { sameRepository: images !== undefined }));
}

function fits({ artifactType, annotations = {} }: Descriptor, filter: SyncReferrerFilter): boolean {
  return (filter.artifactType === undefined || filter.artifactType === artifactType) &&
    Object.entries(filter.annotations ?? {}).every(([key, value]) =>
      Object.hasOwn(annotations, key) && (value === "" || annotations[key] === value)
    );
}

/** Rejects targets that several entries have: what one of them copies would be extra for another. */
function checkTargets(entries: readonly SyncEntry[]): void {
  for (const [index, entry] of entries.entries()) {
    if (entry.images) continue;
    const other = entries.find((other, at) => at !== index && covers(entry, other));
    if (!other) continue;
    throw new UsageError(`${entry.path} and ${other.path} both copy to ${other.target}, so extra content is unknown`, {
      hint: "give each entry a target of its own, or leave out --delete-extra",
    });
  }
}

function covers({ source, target }: SyncEntry, { target: other }: SyncEntry): boolean {
  const [name, otherName] = [nameOf(target), nameOf(other)];
  return name === otherName || (source.kind === "registry" && otherName.startsWith(`${name}/`));
}

function nameOf(root: CopyRoot): string {
  return `${root}`;
}

function identityOf(entries: readonly SyncEntry[], { platforms = [], noClobber, shard }: SyncOptions) {
  return {
    sync: entries.map(({ schedule: _, rateFloor: __, source, target, ...rest }) => ({
      ...rest,
      source: `${source}`,
      target: `${target}`,
    })),
    ...(platforms.length > 0 && { platforms }),
    ...(noClobber && { noClobber }),
    ...(shard && { shard: `${shard.index}/${shard.count}` }),
  };
}

const NOTHING: CopyResult = {
  repositories: 0,
  resumed: 0,
  manifests: 0,
  there: 0,
  kept: 0,
  tags: 0,
  unsuited: 0,
  bytes: 0,
  failures: [],
  failed: 0,
  extra: [],
  deleted: 0,
};

function sum(a: CopyResult, b: CopyResult): CopyResult {
  const numbers = Object.keys(NOTHING).filter((key) => typeof NOTHING[key as keyof CopyResult] === "number");
  const added = numbers.map((key) => [key, Number(a[key as keyof CopyResult]) + Number(b[key as keyof CopyResult])]);
  return {
    ...a,
    ...Object.fromEntries(added),
    failures: [...a.failures, ...b.failures].slice(0, 1000),
    extra: [...a.extra, ...b.extra],
  };
}
