import { HttpError, NotFoundError, ProtocolError } from "../src/errors.ts";
import { mapConcurrent } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type Hash, isHash, isIndex } from "../src/spec/mod.ts";
import type { ExtraItem } from "./copy_options.ts";
import { type CopyRoot, registryOf } from "./copy_route.ts";
import type { CopyRun } from "./copy_run.ts";
import { listedManifests } from "./listed_manifests.ts";
import { listRepository, type RepositoryListing } from "./list.ts";
import { mayBeIndex } from "./manifest_copy.ts";
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
}

/**
 * Finds what the target has and the source has not. Whatever the options leave out of the copy is left out here too, so
 * it is never extra. Of manifests without a tag it can be told only where both registries list them.
 */
export class ExtraFinder {
  readonly #run: CopyRun;
  readonly #seen = new Set<string>();
  #sourceIsEmpty = true;
  /** What was found. */
  readonly items: ExtraItem[] = [];

  constructor(run: CopyRun) {
    this.#run = run;
  }

  /** Takes note that the source names a repository: whatever came of it, it is no other. */
  named(source: Repository): void {
    this.#seen.add(source.repository);
    // What the options leave out, another shard for example, may have something.
    if (!this.#run.wantsRepository(source.repository)) this.#sourceIsEmpty = false;
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
        await this.#find({ target: repository, before: listing, listing: { name: "", ...nothing } });
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
    if (this.#run.options.allowEmpty || !this.items.some(({ repository }) => repository === target.name)) return;
    throw new NotFoundError(`${source} has nothing, so all that ${target} has would be deleted`, {
      hint: "look at the source; if it is meant to have nothing, use --allow-empty",
    });
  }

  #isOther(repository: Repository): boolean {
    const source = this.#run.route.sourceOf(repository);
    return source !== undefined && this.#run.wantsRepository(source.repository) && !this.#seen.has(source.repository);
  }

  async #find({ target, before, listing }: ComparedRepositories): Promise<void> {
    const { puller, signal, jobs, wantsAll, options } = this.#run;
    const wanted = new Set(listing.tags);
    const isExtra = (tag: string) => !wanted.has(tag) && this.#run.wantsTag(tag) && !standsForReferrers(tag, listing);
    const tags = before.tags.filter(isExtra);
    if (tags.length > 0) {
      for await (const there of listedManifests(target, { ...before, tags }, { puller, signal, jobs })) {
        for (const tag of there.tags.filter(isExtra)) {
          this.items.push({ repository: target.name, tag, digest: there.digest });
        }
      }
    }
    if (wantsAll && listing.manifest) {
      const kept = listing.manifest;
      // A tag that the source has on another manifest was moved by the copy, unless that leaves tags alone.
      const isFree = (tag: string) => isExtra(tag) || (wanted.has(tag) && !options.noClobber);
      const found = Object.entries(before.manifest ?? {})
        .filter(([digest, { tag = [] }]) => !(digest in kept) && tag.every(isFree));
      await this.#addManifests(target, new Set(found.map(([digest]) => digest).filter(isHash)));
    }
  }

  /** Adds manifests, but none that something leads to which stays, whatever the source's list says of it. */
  async #addManifests(target: Repository, digests: ReadonlySet<Hash>): Promise<void> {
    if (digests.size === 0) return;
    const { puller, signal } = this.#run;
    const { manifest = {} } = await listRepository(target, { puller, signal });
    const staying = Object.entries(manifest).filter(([digest, { mediaType = "" }]) =>
      isHash(digest) && !digests.has(digest) && mayBeIndex(mediaType)
    );
    const needed = await reachedFrom(this.#run, target, staying.map(([digest]) => digest as Hash));
    for (const digest of digests) if (!needed.has(digest)) this.items.push({ repository: target.name, digest });
  }
}

/** Whether a walk failed because its root is not there. */
export function isNotThere(root: CopyRoot, { name, error }: WalkFailure): boolean {
  return error instanceof HttpError && error.status === 404 && name === `${root}`;
}

/**
 * Whether a tag holds the list of what refers to a manifest of the source, which the copy makes where a registry keeps
 * none itself.
 */
function standsForReferrers(tag: string, { manifest, tags, child }: RepositoryListing): boolean {
  const hex = /^sha256-([0-9a-f]{64})$/.exec(tag)?.[1];
  if (hex === undefined) return false;
  // A plain list does not tell of the members of indexes, so any could be one.
  return manifest ? `sha256:${hex}` in manifest : tags.length > 0 || child !== undefined;
}

/** Some manifests of the target, and the members of those that are indexes. */
async function reachedFrom(run: CopyRun, repository: Repository, digests: readonly Hash[]): Promise<Set<Hash>> {
  const { puller, signal } = run;
  const reached = new Set<Hash>();
  const open = [...digests];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (reached.has(digest)) continue;
    reached.add(digest);
    const found = await puller.get(repository.digest(digest), { signal });
    if (!mayBeIndex(found.descriptor.mediaType)) continue;
    const { manifests } = await found.index().manifest({ signal });
    // A member may be of any type; only an index has members of its own.
    for (const member of manifests) isIndex(member.mediaType) ? open.push(member.digest) : reached.add(member.digest);
  }
  return reached;
}

/** The same items by repository, tags before manifests. */
export function sorted(items: readonly ExtraItem[]): ExtraItem[] {
  const key = ({ repository, tag, digest }: ExtraItem) =>
    `${repository} ${tag === undefined ? `@${digest}` : `:${tag}`}`;
  return items.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
}

/** Those items that a list has too. */
export function common(items: readonly ExtraItem[], list: readonly ExtraItem[]): ExtraItem[] {
  const key = ({ repository, tag, digest }: ExtraItem) => JSON.stringify([repository, tag, digest]);
  const listed = new Set(list.map(key));
  return items.filter((item) => listed.has(key(item)));
}

/** Deletes what is extra, as far as it still is as it was found: tags, then what they pointed at. */
export async function deleteExtra(run: CopyRun, items: readonly ExtraItem[]): Promise<void> {
  const groups = Map.groupBy(items, ({ repository }) => repository);
  await mapConcurrent(groups, { concurrency: run.jobs, signal: run.signal }, async ([name, group]) => {
    const registry = registryOf(run.route.target);
    const repository = registry.repository(name.slice(registry.name.length + 1));
    try {
      await new Deletion(run, repository).all(group);
    } catch (error) {
      run.fail(name, error);
    } finally {
      run.pusher.forget(repository);
    }
  });
}

/** What goes from one repository. */
class Deletion {
  readonly #run: CopyRun;
  readonly #repository: Repository;

  constructor(run: CopyRun, repository: Repository) {
    this.#run = run;
    this.#repository = repository;
  }

  async all(items: readonly ExtraItem[]): Promise<void> {
    const tagged = items.filter(({ tag }) => tag !== undefined);
    const untagged = items.filter(({ tag }) => tag === undefined);
    const stuck: ExtraItem[] = [];
    for (const item of tagged) if (!await this.#deleteTag(item)) stuck.push(item);
    if (stuck.length > 0) await this.#deleteTargets(stuck, items);
    if (untagged.length > 0) await this.#deleteManifests(await this.#stillFree(untagged));
  }

  /** Those manifests that no tag points at any more, or again. */
  async #stillFree(items: readonly ExtraItem[]): Promise<ExtraItem[]> {
    const { puller, signal } = this.#run;
    const { manifest = {} } = await listRepository(this.#repository, { puller, signal });
    return items.filter(({ digest }) => digest in manifest && (manifest[digest].tag ?? []).length === 0);
  }

  /** Deletes a tag, if it still is where it was; `false` when the registry can't delete tags. */
  async #deleteTag(item: ExtraItem): Promise<boolean> {
    const { pusher, signal } = this.#run;
    const reference = this.#repository.tag(item.tag!);
    try {
      if ((await pusher.find(reference, { signal }))?.digest !== item.digest) return true;
      await pusher.delete(reference, { signal });
      this.#tell(item);
    } catch (error) {
      if (error instanceof HttpError && [400, 404, 405, 501].includes(error.status)) return false;
      this.#run.fail(`${reference}`, error);
    }
    return true;
  }

  /**
   * Deletes the manifests that tags point at, where tags alone can't go, and so only those that nothing leads to that
   * stays.
   */
  async #deleteTargets(stuck: readonly ExtraItem[], items: readonly ExtraItem[]): Promise<void> {
    const { puller, pusher, signal, jobs } = this.#run;
    const going = new Set(items.map(({ tag }) => tag));
    const staying: Hash[] = [];
    const tags: string[] = [];
    for await (const tag of puller.tags(this.#repository, { signal })) if (!going.has(tag)) tags.push(tag);
    const listing = { name: this.#repository.repository, tags };
    for await (const { digest } of listedManifests(this.#repository, listing, { puller, signal, jobs })) {
      staying.push(digest);
    }
    const needed = await reachedFrom(this.#run, this.#repository, staying);
    for (const [digest, group] of Map.groupBy(stuck, (item) => item.digest)) {
      const reference = this.#repository.digest(digest);
      try {
        if (needed.has(digest)) {
          throw new ProtocolError("the registry can't delete a tag alone, and what it points at is needed by others");
        }
        await pusher.delete(reference, { signal });
        for (const item of group) this.#tell(item);
      } catch (error) {
        this.#run.fail(`${this.#repository}:${group[0].tag}`, error);
      }
    }
  }

  /** Registries keep what an index holds, so what fails is tried again once others are gone. */
  async #deleteManifests(items: readonly ExtraItem[]): Promise<void> {
    const { pusher, signal } = this.#run;
    let left = [...items];
    while (left.length > 0) {
      const failures: { item: ExtraItem; error: unknown }[] = [];
      for (const item of left) {
        try {
          await pusher.delete(this.#repository.digest(item.digest), { signal });
          this.#tell(item);
        } catch (error) {
          if (error instanceof HttpError && error.status === 404) continue;
          failures.push({ item, error });
        }
      }
      if (failures.length === left.length) {
        for (const { item, error } of failures) this.#run.fail(`${item.repository}@${item.digest}`, error);
        return;
      }
      left = failures.map(({ item }) => item);
    }
  }

  #tell(item: ExtraItem): void {
    this.#run.counts.deleted++;
    this.#run.tell({ kind: "deleted", item });
  }
}
