/**
 * What Google's registries add to the standard: listings that tell of manifests, times, sizes and repositories below.
 *
 * @example
 * ```ts
 * import { listingLines, listRepository } from "@gcrane/gcrane/gcr";
 * import { randomImage } from "@gcrane/gcrane/image";
 * import { parseRepository } from "@gcrane/gcrane/name";
 * import { createRegistry } from "@gcrane/gcrane/registry";
 * import { Pusher } from "@gcrane/gcrane/remote";
 *
 * const options = { fetch: createRegistry().fetch };
 * const repository = parseRepository("registry.example.com/app");
 * await new Pusher(options).push(repository.tag("v1"), randomImage());
 *
 * const listing = await listRepository(repository, options);
 * for (const line of listingLines(repository, listing)) console.log(line); // …/app@sha256:…, …/app:v1
 * ```
 *
 * @module
 */
export {
  listingLines,
  type ListingLinesOptions,
  listRepository,
  type ListRepositoryOptions,
  type RepositoryListing,
} from "./list.ts";
export { type ListedManifest, listedManifests, type ListedManifestsOptions } from "./listed_manifests.ts";
export { type WalkedRepository, type WalkFailure, type WalkOptions, walkRepositories } from "./walk.ts";
export { copyRecursively } from "./copy.ts";
export type { CopyEvent, CopyFailure, CopyRecursivelyOptions, CopyResult, ExtraItem } from "./copy_options.ts";
export { isInShard, parseShard, type Shard } from "./shard.ts";
