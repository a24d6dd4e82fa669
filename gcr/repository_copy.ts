import { HttpError, NotFoundError } from "../src/errors.ts";
import type { PartialCopy } from "../src/graph/internal.ts";
import { type Image, type ImageIndex, selectImage } from "../src/image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { referrersTag } from "../src/remote/mod.ts";
import { type Hash, parsePlatform, type Platform } from "../src/spec/mod.ts";
import type { CopyRun } from "./copy_run.ts";
import { isReferrersTag } from "./extra_judge.ts";
import { listRepository, type RepositoryListing } from "./list.ts";
import { type ListedManifest, listedManifests } from "./listed_manifests.ts";
import type { CopyTarget } from "./listed_sink.ts";
import { ManifestCopy, mayBeIndex } from "./manifest_copy.ts";
import { RepositoryProgress } from "./repository_progress.ts";
import type { WalkedRepository } from "./walk.ts";

/** The listing of a target before its copy; `undefined` if it can't be read. */
export type TargetListing = RepositoryListing | undefined;

/**
 * Copies one repository: everything in its listing that the target's listing lacks, by digest and then by tag. A
 * failure is recorded, and the rest continues.
 *
 * @returns the listing of the target before the copy
 */
export async function copyOneRepository(
  run: CopyRun,
  { repository: source, listing, partial = false }: WalkedRepository,
): Promise<TargetListing> {
  const target = run.route.targetOf(source);
  if (isEmpty(listing) && (run.options.extra ?? "keep") === "keep") return undefined;
  const { onProgress } = run.options;
  const progress = onProgress && new RepositoryProgress(target, onProgress);
  let isDone = false;
  try {
    const before = await listTarget(run, target);
    const { copied, failed } = await new RepositoryCopy(run, { source, listing, target, before, progress }).copyAll();
    isDone = !failed && !partial;
    if (isEmpty(listing)) return before;
    run.counts.repositories++;
    if (isDone) await run.note((journal) => journal.done(source.path));
    run.tell({ kind: "repository", source: source.name, target: target.name, copied });
    return before;
  } finally {
    progress?.end(isDone ? "done" : "failed");
    run.forget(source, target);
  }
}

/** Returns whether a repository itself is empty; there may be others below it. */
export function isEmpty({ tags, manifest = {} }: RepositoryListing): boolean {
  return tags.length === 0 && Object.keys(manifest).length === 0;
}

/** Lists the target; a repository that does not exist yet is empty. */
async function listTarget(run: CopyRun, target: Repository): Promise<TargetListing> {
  const { signal, puller, pusher, options } = run;
  try {
    return await listRepository(target, { puller, signal });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.status === 404) return { name: target.path, tags: [], child: [], manifest: {} };
    // Some registries refuse to list a repository that does not exist yet, even with the permission to push.
    if (![401, 403].includes(error.status) || options.noClobber || options.dryRun) throw error;
    await pusher.checkPush(target, { signal });
    return undefined;
  }
}

interface RepositoryPair {
  readonly source: Repository;
  readonly listing: RepositoryListing;
  readonly target: Repository;
  readonly before: TargetListing;
  readonly progress: RepositoryProgress | undefined;
}

class RepositoryCopy {
  readonly #run: CopyRun;
  readonly #pair: RepositoryPair;
  readonly #sourceTags: ReadonlySet<string>;
  readonly #journaled: PartialCopy;
  /** Tags to copy by digest; empty for indexes that are reduced to some platforms. */
  readonly #tags = new Map<Hash, readonly string[]>();
  /** Tags that are copied only with the manifest that they belong to, by the tag's first part. */
  #besides: Map<string, string[]> | undefined;
  #copied = false;
  #failed = false;
  #refused = false;

  constructor(run: CopyRun, pair: RepositoryPair) {
    this.#run = run;
    this.#pair = pair;
    const isFiltered = run.terms.referrers?.wants !== undefined;
    this.#sourceTags = new Set(
      isFiltered ? pair.listing.tags.filter((tag) => !isReferrersTag(tag)) : pair.listing.tags,
    );
    this.#journaled = run.journal.partial(pair.source.path);
  }

  /** Copies the repository. Returns whether anything was missing, and whether something failed. */
  async copyAll(): Promise<{ copied: boolean; failed: boolean }> {
    const wanted = await this.#wanted();
    const { progress } = this.#pair;
    const copy = new ManifestCopy(this.#run, {
      source: this.#pair.source,
      target: await this.#target(wanted),
      tagsOf: (digest) => this.#tags.get(digest) ?? [],
      sourceTags: this.#sourceTags,
      referrers: this.#looksForReferrers,
      onProgress: progress && ((event) => progress.add(event)),
    });
    for (const { digest, mediaType, tags } of wanted) {
      if (!this.#isReduced(mediaType)) this.#tags.set(digest, tags);
    }
    await this.#each(wanted, (manifest) => this.#copyListed(copy, manifest));
    for (let found = await this.#referrers(copy); found.length > 0; found = await this.#referrers(copy)) {
      await this.#each(found, ({ digest, mediaType }) => copy.ensure(digest, mediaType));
    }
    return { copied: this.#copied, failed: this.#failed };
  }

  /** Returns the manifests of the source to copy, with those of their tags to copy. */
  async #wanted(): Promise<ListedManifest[]> {
    const { source, listing, before } = this.#pair;
    const { options, reader, signal, jobs } = this.#run;
    const taken = new Set(options.noClobber ? before?.tags : []);
    const isWanted = (tag: string) => this.#run.wantsTag(tag) && !taken.has(tag);
    this.#run.counts.kept += listing.tags.filter((tag) => this.#run.wantsTag(tag) && taken.has(tag)).length;
    const asked = { ...listing, tags: listing.tags.filter((tag) => isWanted(tag) && !this.#journaled.hasTag(tag)) };
    if (this.#run.terms.wantsTag && !listing.tags.some((tag) => this.#run.wantsTag(tag))) {
      this.#run.tell({ kind: "unmatched", source: source.name });
    }
    const wanted: ListedManifest[] = [];
    for await (const manifest of listedManifests(source, asked, { puller: reader, signal, jobs })) {
      const tags = manifest.tags.filter(isWanted);
      if (tags.length === 0 && (manifest.tags.length > 0 || !this.#run.wantsUntagged)) continue;
      if (this.#journaled.has(manifest.digest, tags) || !this.#isOfType(manifest)) continue;
      wanted.push({ ...manifest, tags });
    }
    return wanted;
  }

  /** Returns whether a manifest has a media type to copy; one that the registry does not give is read later. */
  #isOfType({ digest, mediaType, tags }: ListedManifest): boolean {
    const { mediaTypes } = this.#run.terms;
    if (mediaTypes === undefined || mediaType === "" || mediaTypes.includes(mediaType)) return true;
    const { source } = this.#pair;
    const name = tags.length > 0 ? `${source}:${tags[0]}` : `${source}@${digest}`;
    this.#run.tell({ kind: "left", name, reason: `its media type ${mediaType} is not one to copy` });
    return false;
  }

  /** Returns the referrers of the copied manifests: from the registry's API and from the tags beside them. */
  async #referrers(copy: ManifestCopy): Promise<ListedManifest[]> {
    const { source, listing } = this.#pair;
    const { reader, signal, jobs } = this.#run;
    const found = copy.takeReferrers().map((digest): ListedManifest => ({ digest, mediaType: "", tags: [] }));
    const tags = copy.takeSubjects().flatMap((digest) => this.#beside(digest));
    for await (
      const beside of listedManifests(source, { name: listing.name, tags }, { puller: reader, signal, jobs })
    ) {
      this.#tags.set(beside.digest, beside.tags);
      found.push(beside);
    }
    return found;
  }

  /** Returns the tags that belong to a manifest, as cosign and registries without a referrers API write them. */
  #beside(digest: Hash): readonly string[] {
    this.#besides ??= Map.groupBy(
      this.#pair.listing.tags.filter((tag) => !this.#run.wantsTag(tag)),
      (tag) => /^(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{121})/.exec(tag)?.[0] ?? "",
    );
    const tags = this.#besides.get(referrersTag(digest)) ?? [];
    const { referrers } = this.#run.terms;
    if (!referrers || referrers.tags) return tags;
    // The list of a registry without the API is a tag too. With a filter it is made anew.
    return referrers.wants ? [] : tags.filter(isReferrersTag);
  }

  /** A complete listing of all manifests contains the referrers already. */
  get #looksForReferrers(): boolean {
    const isComplete = this.#pair.listing.manifest !== undefined && this.#run.wantsAll;
    return (this.#run.options.withReferrers ?? false) && !isComplete;
  }

  /** Returns the state of the target for the manifests to copy. */
  async #target(wanted: readonly ListedManifest[]): Promise<CopyTarget> {
    const { target, before } = this.#pair;
    const { puller, signal, jobs, options } = this.#run;
    if (!before) return { repository: target, tags: new Map(), manifests: new Set(), complete: false };
    const tags = new Map<string, Hash | undefined>(before.tags.map((tag) => [tag, undefined]));
    const asked = options.noClobber ? [] : [...new Set(wanted.flatMap((manifest) => manifest.tags))];
    const listing = { ...before, tags: asked.filter((tag) => tags.has(tag)) };
    const manifests = new Set<Hash>();
    for await (const there of listedManifests(target, listing, { puller, signal, jobs })) {
      manifests.add(there.digest);
      for (const tag of there.tags) tags.set(tag, there.digest);
    }
    return { repository: target, tags, manifests, complete: before.manifest !== undefined };
  }

  /** Copies a listed manifest. Returns whether it was missing. */
  async #copyListed(copy: ManifestCopy, { digest, mediaType, tags }: ListedManifest): Promise<boolean> {
    const wasMissing = await this.#ensure(copy, { digest, mediaType, tags });
    if (wasMissing === false) this.#run.counts.there++;
    return wasMissing ?? false;
  }

  /** Copies a listed manifest as above. Returns `undefined` if none of it should be copied. */
  async #ensure(copy: ManifestCopy, { digest, mediaType, tags }: ListedManifest): Promise<boolean | undefined> {
    if (!this.#isReduced(mediaType)) return await copy.ensure(digest, mediaType);
    const view = await copy.open(digest);
    if (!view) return await copy.ensure(digest, mediaType);
    const reduced = view.kind === "index"
      ? await forPlatforms(view, this.#run.options.platforms!.map(parsePlatform), this.#run)
      : view;
    if (reduced) return await copy.ensureView(reduced, tags);
    this.#unsuited(digest, tags);
    return undefined;
  }

  #unsuited(digest: Hash, tags: readonly string[]): void {
    this.#run.counts.unsuited++;
    this.#run.tell({ kind: "unsuited", source: this.#pair.source.name, digest, tags });
  }

  #isReduced(mediaType: string): boolean {
    return (this.#run.options.platforms ?? []).length > 0 && mayBeIndex(mediaType);
  }

  /** Runs work on manifests of the source. A failure does not stop the others, unless it would repeat for them. */
  async #each(
    manifests: readonly ListedManifest[],
    work: (manifest: ListedManifest) => Promise<boolean>,
  ): Promise<void> {
    const { signal, jobs, slots } = this.#run;
    const { source } = this.#pair;
    await mapConcurrent(manifests, { concurrency: jobs, signal }, async (manifest) => {
      if (this.#refused) return;
      try {
        if (!await slots.run(() => work(manifest), { signal })) return;
        this.#copied = true;
        const { digest, tags } = manifest;
        await this.#run.note((journal) => journal.copied(source.path, digest, tags));
      } catch (error) {
        this.#failed = true;
        if (this.#refused) return;
        this.#refused = isRefusal(error);
        const { digest, tags: [tag] } = manifest;
        this.#run.fail(
          this.#refused ? `${this.#pair.target}` : tag ? `${source}:${tag}` : `${source}@${digest}`,
          error,
        );
      }
    });
  }
}

/** Returns whether the target rejects every push of this client, so that further manifests would fail too. */
function isRefusal(error: unknown): boolean {
  return error instanceof HttpError && error.method === "POST" && (error.status === 401 || error.status === 403);
}

/**
 * Selects platforms from an index: one gives its image, several an index of their images. Returns `undefined` if it has
 * none of them. An index without platforms, such as a list of referrers, is returned unchanged.
 */
async function forPlatforms(
  index: ImageIndex,
  platforms: readonly Platform[],
  { signal }: AbortOptions,
): Promise<Image | ImageIndex | undefined> {
  const { manifests } = await index.manifest({ signal });
  if (!manifests.some(({ platform }) => platform)) return index;
  const there: Platform[] = [];
  for (const platform of platforms) if (await hasImage(index, platform, { signal })) there.push(platform);
  if (there.length === 0) return undefined;
  // Loads the source room only when it is needed, which keeps listings fast.
  const { ofPlatforms } = await import("../src/source/mod.ts");
  return await ofPlatforms(index, { platforms: there, signal });
}

async function hasImage(index: ImageIndex, platform: Platform, options: AbortOptions): Promise<boolean> {
  try {
    await selectImage(index, platform, options);
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
