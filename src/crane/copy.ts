import type { Keychain } from "../authn/mod.ts";
import { HttpError } from "../errors.ts";
import { isSchema1 } from "../spec/mod.ts";
import { mapConcurrent } from "../io/mod.ts";
import type { Reference } from "../name/mod.ts";
import { DEFAULT_JOBS, type Puller, type Pusher, type RemoteManifest } from "../remote/mod.ts";
import { type ImageSource, open, referenceIn } from "./open.ts";
import { type CraneOptions, pullerOf, pusherOf, referenceOf, repositoryOf } from "./options.ts";
import { ofPlatforms, type PlatformsOptions } from "./platforms.ts";

/** Options of {@linkcode copy}. */
export interface CopyOptions extends CraneOptions, PlatformsOptions {
  /**
   * Whether a tag that the destination has is left as it is.
   * @default false
   */
  noClobber?: boolean;
  /**
   * Finds the credentials for the source, so that `keychain` is asked for those of the destination alone.
   * @default `keychain`
   */
  sourceKeychain?: Keychain;
}

/**
 * Copies an image or an index to a reference, digests unchanged. With a platform, only the index's image for it is
 * copied; with several, an index of their images. What the destination has, or can mount, is not read.
 */
export async function copy(source: ImageSource, destination: string, options: CopyOptions = {}): Promise<void> {
  const to = referenceOf(destination, options);
  const { pusher, puller, destination: there } = endsOf(options);
  if (options.noClobber && await isThere(to, there, options)) return;
  const reference = await referenceIn(source);
  if (reference === undefined) await pusher.push(to, await open(source, options), options);
  else await copyReference({ from: referenceOf(reference, options), to, puller, pusher }, options);
}

/** Options of {@linkcode copyRepository}. */
export interface CopyRepositoryOptions extends CopyOptions {
  /**
   * How many tags are copied at the same time.
   * @default 4
   */
  tagJobs?: number;
}

/** Copies every tag of a repository to another. A tag that both have with the same digest costs one request each. */
export async function copyRepository(
  source: string,
  destination: string,
  options: CopyRepositoryOptions = {},
): Promise<void> {
  const from = repositoryOf(source, options);
  const to = repositoryOf(destination, options);
  const { pusher, puller, destination: there } = endsOf(options);
  const taken = options.noClobber ? await existingTags(there, destination, options) : new Set<string>();
  const concurrency = options.tagJobs ?? options.jobs ?? DEFAULT_JOBS;
  await mapConcurrent(puller.tags(from, options), { concurrency, signal: options.signal }, async (tag, signal) => {
    if (taken.has(tag)) return;
    await copyReference({ from: from.tag(tag), to: to.tag(tag), puller, pusher }, { ...options, signal });
  });
}

interface CopyEnds {
  /** Reads the source. */
  readonly puller: Puller;
  /** Writes the destination. */
  readonly pusher: Pusher;
  /** Reads the destination. */
  readonly destination: Puller;
}

/** Both ends, on the same connections unless their credentials differ. */
function endsOf(options: CopyOptions): CopyEnds {
  const { pusher, puller: destination } = pusherOf(options);
  const { sourceKeychain } = options;
  const puller = sourceKeychain ? pullerOf({ ...options, keychain: sourceKeychain }) : destination;
  return { pusher, puller, destination };
}

interface CopyWork {
  readonly from: Reference;
  readonly to: Reference;
  readonly puller: Puller;
  readonly pusher: Pusher;
}

async function copyReference({ from, to, puller, pusher }: CopyWork, options: CopyOptions): Promise<void> {
  const found = await puller.get(from, options);
  if (isSchema1(found.descriptor.mediaType)) return await copySchema1({ found, to, puller, pusher }, options);
  await pusher.push(to, await ofPlatforms(found.view(), options), options);
}

/** A schema 1 manifest names its layers in a way of its own; it is copied, never changed. */
async function copySchema1(
  { found, to, puller, pusher }: Omit<CopyWork, "from"> & { found: RemoteManifest },
  options: CraneOptions,
): Promise<void> {
  const concurrency = options.jobs ?? DEFAULT_JOBS;
  await mapConcurrent(found.schema1Layers(), { concurrency, signal: options.signal }, async (digest, signal) => {
    const layer = await puller.layer(found.reference.context.digest(digest), { signal });
    await pusher.upload(to.context, layer, { signal });
  });
  await pusher.put(to, { bytes: found.bytes, mediaType: found.descriptor.mediaType }, options);
}

async function isThere(reference: Reference, puller: Puller, options: CraneOptions): Promise<boolean> {
  try {
    await puller.head(reference, options);
    return true;
  } catch (error) {
    if (!(error instanceof HttpError && error.status === 404)) throw error;
    return false;
  }
}

/** The tags of a repository, or none when it does not exist yet. */
async function existingTags(puller: Puller, repository: string, options: CraneOptions): Promise<Set<string>> {
  const tags = new Set<string>();
  try {
    for await (const tag of puller.tags(repositoryOf(repository, options), options)) tags.add(tag);
  } catch (error) {
    if (!(error instanceof HttpError && error.status === 404)) throw error;
  }
  return tags;
}
