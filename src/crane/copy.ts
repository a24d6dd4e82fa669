import { ConflictError } from "../errors.ts";
import type { Keychain } from "../authn/mod.ts";
import { CopyJournal, DEFAULT_JOBS, throttled } from "../graph/internal.ts";
import { type AnyManifest, TransferState } from "../graph/mod.ts";
import { mapConcurrent, RateLimit } from "../io/mod.ts";
import { tagMatcher } from "../name/internal.ts";
import type { Reference, Repository } from "../name/mod.ts";
import { Client, Puller, RegistrySink } from "../remote/mod.ts";
import { type Hash, platformString } from "../spec/mod.ts";
import { findOrUndefined } from "../transport/internal.ts";
import { referenceIn, wantedPlatforms } from "../source/internal.ts";
import { type ImageSource, ofPlatforms, open, type PlatformsOptions } from "../source/mod.ts";
import { copyGraph } from "./copy_graph.ts";
import { type CraneOptions, referenceOf, repositoryOf, withClient } from "./options.ts";

/** Options of {@linkcode copy}. */
export interface CopyOptions extends CraneOptions, PlatformsOptions {
  /**
   * Whether to keep a tag that exists at the destination: {@linkcode copy} then fails, {@linkcode copyRepository} skips it.
   *
   * @default false
   */
  noClobber?: boolean;
  /**
   * Provides the credentials for the source, so that `keychain` is used only for the destination.
   *
   * @default `keychain`
   */
  sourceKeychain?: Keychain;
  /**
   * Whether to copy the referrers (signatures, SBOMs, …) too: those that the registry lists, and cosign's tags.
   *
   * @default false
   */
  withReferrers?: boolean;
  /**
   * The most bytes of layers to send per second.
   *
   * @default no limit
   */
  bytesPerSecond?: number;
}

/**
 * Copies a source to a reference with its digests unchanged: an image, an index, or a manifest of any other type. With
 * a platform, copies only the index's image for it; with several, an index of their images. Does not read what the
 * destination holds or can mount.
 *
 * @returns the digest of the copy
 * @throws {ConflictError} with `noClobber`, if the destination exists.
 */
export async function copy(
  source: ImageSource,
  destination: Reference | string,
  options: CopyOptions = {},
): Promise<Hash> {
  const to = referenceOf(destination, options);
  const ends = endsOf(options);
  if (options.noClobber && await isThere(to, ends.there, options)) {
    throw new ConflictError(`${to} exists already`, { hint: "leave out no-clobber to replace it" });
  }
  const reference = referenceIn(source);
  const copied = reference === undefined
    ? copyView({ view: await open(source, options), to }, ends, options)
    : copyReference(referenceOf(reference, options), to, ends, options);
  return (await copied).digest;
}

/** Options of {@linkcode copyRepository}. */
export interface CopyRepositoryOptions extends CopyOptions {
  /**
   * The number of tags that are copied at the same time.
   *
   * @default 4
   */
  tagJobs?: number;
  /**
   * The path of a journal of copied tags, with which the same call continues an interrupted one.
   *
   * @default none
   */
  journal?: string;
  /**
   * The tags to copy: globs, or regular expressions in slashes, one of which must match.
   *
   * @default all
   */
  tagFilter?: readonly string[];
  /**
   * A range of versions, for example `>=1.2 <2`: copies only tags that are complete versions in it.
   *
   * @default every tag, versions or not
   */
  semver?: string;
  /**
   * Called with each tag to copy in place of its copy, so that nothing is written, nor is the journal.
   *
   * @default not called: the tags are copied
   */
  dryRun?: (tag: PlannedTag) => void;
}

/** A tag that {@linkcode copyRepository} would write. */
export interface PlannedTag {
  /** The full name of the tag at the source. */
  readonly source: string;
  /** The full name of the tag at the destination. */
  readonly target: string;
  /** The digest of the manifest to copy. */
  readonly digest: Hash;
}

/** The result of {@linkcode copyRepository}, in tags. */
export interface CopyRepositoryResult {
  /** The number that were copied, or would be after a dry run. */
  readonly copied: number;
  /** The number that the destination had in the state of the source. */
  readonly there: number;
  /** The number that existed at the destination and were kept because of `noClobber`. */
  readonly kept: number;
  /** The number that were copied before, by the journal. */
  readonly resumed: number;
  /** The number that the filter or the range leaves out. */
  readonly filtered: number;
}

/**
 * Copies the tags of a repository to another. A tag with the same digest at both costs one request each.
 *
 * @throws {JournalError} if the journal belongs to a different copy.
 * @throws {UsageError} for a filter or a range that is invalid.
 */
export async function copyRepository(
  source: Repository | string,
  destination: Repository | string,
  options: CopyRepositoryOptions = {},
): Promise<CopyRepositoryResult> {
  const from = repositoryOf(source, options);
  const to = repositoryOf(destination, options);
  const ends = endsOf(options);
  const { dryRun } = options;
  const isWanted = tagMatcher({ patterns: options.tagFilter, semver: options.semver });
  const counts = { copied: 0, there: 0, kept: 0, resumed: 0, filtered: 0 };
  const journal = await openJournal(from, to, options);
  try {
    const taken = options.noClobber ? await existingTags(ends.there, to, options) : new Set<string>();
    const copied = journal.partial(from.path);
    const concurrency = options.tagJobs ?? options.jobs ?? DEFAULT_JOBS;
    const pool = { concurrency, signal: options.signal };
    await mapConcurrent(ends.reader.tags(from, options), pool, async (tag, signal) => {
      if (isWanted?.(tag) === false) return void counts.filtered++;
      if (taken.has(tag)) return void counts.kept++;
      if (copied.hasTag(tag)) return void counts.resumed++;
      const [source, target] = [from.tag(tag), to.tag(tag)];
      const tried = { ...options, signal };
      const copy = dryRun ? plannedCopy(source, target, ends, tried) : copyReference(source, target, ends, tried);
      const { digest, there } = await copy;
      if (!dryRun) await journal.copied(from.path, digest, [tag]);
      else if (!there) dryRun({ source: source.name, target: target.name, digest });
      counts[there ? "there" : "copied"]++;
    });
    if (!dryRun) await journal.end();
    return counts;
  } finally {
    await journal.close();
  }
}

/** Opens the journal of a copy of all tags; rejects that of another copy, or of one with other options. */
async function openJournal(
  source: Repository,
  target: Repository,
  options: CopyRepositoryOptions,
): Promise<CopyJournal> {
  const { journal, noClobber, withReferrers, tagFilter = [], semver } = options;
  if (journal === undefined) return CopyJournal.none();
  const wanted = wantedPlatforms(options).map(platformString);
  const identity = {
    source: source.name,
    target: target.name,
    tags: "all",
    ...(wanted.length > 0 && { platforms: wanted }),
    ...(tagFilter.length > 0 && { tagFilter }),
    ...(semver !== undefined && { semver }),
    ...(noClobber && { noClobber }),
    ...(withReferrers && { withReferrers }),
  };
  return await CopyJournal.open(journal, { identity, readOnly: options.dryRun !== undefined });
}

/** The two ends of a copy. */
interface CopyEnds {
  /** Writes to the destination. */
  readonly client: Client;
  /** Reads from the destination. */
  readonly there: Puller;
  /** Reads from the source. */
  readonly reader: Puller;
  readonly state: TransferState;
  readonly bandwidth: RateLimit | undefined;
}

/** Creates both ends, on the same connections unless their credentials differ. */
function endsOf(options: CopyOptions): CopyEnds {
  const connected = withClient(options);
  const { client, sourceKeychain, bytesPerSecond, jobs } = connected;
  const source = sourceKeychain ? new Client({ ...client.options, keychain: sourceKeychain }) : client;
  return {
    client,
    there: new Puller(connected),
    reader: new Puller({ ...connected, client: source }),
    state: new TransferState({ jobs }),
    bandwidth: bytesPerSecond === undefined ? undefined : new RateLimit(bytesPerSecond),
  };
}

/** The digest of a copy, and whether the destination had it under its reference. */
interface Copied {
  readonly digest: Hash;
  readonly there: boolean;
}

/** Returns what a copy would write. */
async function plannedCopy(from: Reference, to: Reference, ends: CopyEnds, options: CopyOptions): Promise<Copied> {
  const digest = await (await viewToCopy(from, ends, options)).digest(options);
  const found = await findOrUndefined(() => ends.there.head(to, options));
  return { digest, there: found?.digest === digest };
}

/** Opens a manifest, or what the requested platforms choose of it. */
async function viewToCopy(from: Reference, { reader }: CopyEnds, options: CopyOptions): Promise<AnyManifest> {
  const found = await reader.get(from, options);
  return wantedPlatforms(options).length > 0 ? await ofPlatforms(found.view(), options) : found.anyView();
}

/** Copies a manifest. */
async function copyReference(from: Reference, to: Reference, ends: CopyEnds, options: CopyOptions): Promise<Copied> {
  return await copyView({ view: await viewToCopy(from, ends, options), to, from }, ends, options);
}

async function copyView(
  { view, to, from }: { view: AnyManifest; to: Reference; from?: Reference },
  { client, reader, state, bandwidth }: CopyEnds,
  options: CopyOptions,
): Promise<Copied> {
  const { allowNondistributable, onProgress, signal, withReferrers = false } = options;
  const sink = new RegistrySink(client, to.repository, { allowNondistributable });
  const names = to.kind === "tag" ? [to.identifier] : [];
  let there = true;
  await copyGraph([{ view, names }], sink, {
    state,
    onProgress,
    signal,
    after: (node, outcome) => {
      if (node.kind === "manifest" && node.view === view) there = outcome === "skipped";
    },
    content: bandwidth && ((content) => throttled(content, bandwidth)),
    referrers: withReferrers && from ? { reader, repository: from.repository } : undefined,
  });
  return { digest: await view.digest(options), there };
}

async function isThere(reference: Reference, puller: Puller, options: CraneOptions): Promise<boolean> {
  return await findOrUndefined(() => puller.head(reference, options)) !== undefined;
}

/** Returns the tags of a repository; none if it does not exist yet. */
async function existingTags(puller: Puller, repository: Repository, options: CraneOptions): Promise<Set<string>> {
  return await findOrUndefined(async () => {
    const tags = new Set<string>();
    for await (const tag of puller.tags(repositoryOf(repository, options), options)) tags.add(tag);
    return tags;
  }) ?? new Set();
}
