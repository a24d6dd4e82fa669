import type { Keychain } from "../authn/mod.ts";
import { CopyJournal, DEFAULT_JOBS, throttled } from "../graph/internal.ts";
import { type AnyManifest, TransferState } from "../graph/mod.ts";
import { mapConcurrent, RateLimit } from "../io/mod.ts";
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
   * Whether to keep a tag that exists at the destination.
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
 */
export async function copy(
  source: ImageSource,
  destination: Reference | string,
  options: CopyOptions = {},
): Promise<void> {
  const to = referenceOf(destination, options);
  const ends = endsOf(options);
  if (options.noClobber && await isThere(to, ends.there, options)) return;
  const reference = referenceIn(source);
  if (reference !== undefined) return void await copyReference(referenceOf(reference, options), to, ends, options);
  await copyView({ view: await open(source, options), to }, ends, options);
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
}

/**
 * Copies every tag of a repository to another. A tag with the same digest at both costs one request each.
 *
 * @throws {JournalError} if the journal belongs to a different copy.
 */
export async function copyRepository(
  source: Repository | string,
  destination: Repository | string,
  options: CopyRepositoryOptions = {},
): Promise<void> {
  const from = repositoryOf(source, options);
  const to = repositoryOf(destination, options);
  const ends = endsOf(options);
  const journal = await openJournal(from, to, options);
  try {
    const taken = options.noClobber ? await existingTags(ends.there, to, options) : new Set<string>();
    const copied = journal.partial(from.path);
    const concurrency = options.tagJobs ?? options.jobs ?? DEFAULT_JOBS;
    const pool = { concurrency, signal: options.signal };
    await mapConcurrent(ends.reader.tags(from, options), pool, async (tag, signal) => {
      if (taken.has(tag) || copied.hasTag(tag)) return;
      const digest = await copyReference(from.tag(tag), to.tag(tag), ends, { ...options, signal });
      await journal.copied(from.path, digest, [tag]);
    });
    await journal.end();
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
  const { journal, noClobber, withReferrers } = options;
  if (journal === undefined) return CopyJournal.none();
  const wanted = wantedPlatforms(options).map(platformString);
  const identity = {
    source: source.name,
    target: target.name,
    tags: "all",
    ...(wanted.length > 0 && { platforms: wanted }),
    ...(noClobber && { noClobber }),
    ...(withReferrers && { withReferrers }),
  };
  return await CopyJournal.open(journal, { identity, readOnly: false });
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

/** Copies a manifest. @returns its digest */
async function copyReference(from: Reference, to: Reference, ends: CopyEnds, options: CopyOptions): Promise<Hash> {
  const found = await ends.reader.get(from, options);
  const isChosen = wantedPlatforms(options).length > 0;
  const view = isChosen ? await ofPlatforms(found.view(), options) : found.anyView();
  await copyView({ view, to, from }, ends, options);
  return await view.digest(options);
}

async function copyView(
  { view, to, from }: { view: AnyManifest; to: Reference; from?: Reference },
  { client, reader, state, bandwidth }: CopyEnds,
  options: CopyOptions,
): Promise<void> {
  const { allowNondistributable, onProgress, signal, withReferrers = false } = options;
  const sink = new RegistrySink(client, to.repository, { allowNondistributable });
  const names = to.kind === "tag" ? [to.identifier] : [];
  await copyGraph([{ view, names }], sink, {
    state,
    onProgress,
    signal,
    content: bandwidth && ((content) => throttled(content, bandwidth)),
    referrers: withReferrers && from ? { reader, repository: from.repository } : undefined,
  });
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
