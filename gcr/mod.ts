/**
 * Operations on whole registries: list and walk repositories, copy them to another registry and collect their garbage.
 * Works on every registry, and uses the richer listings of Google's registries, which contain manifests, times, sizes
 * and the repositories below.
 *
 * @example
 * ```ts
 * import { copyRecursively, listRepository } from "@gcrane/gcrane/gcr";
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
 * console.log(listing.tags); // [ "v1" ]
 *
 * const { manifests, tags } = await copyRecursively("registry.example.com/app", "mirror.example.com/copy", options);
 * console.log(manifests, tags); // 1 1
 * ```
 *
 * @module
 */
export { listRepository, type ListRepositoryOptions, type RepositoryListing } from "./list.ts";
export { type WalkedRepository, type WalkFailure, type WalkOptions, walkRepositories } from "./walk.ts";
export { copyRecursively } from "./copy.ts";
export { type CopyRoot, parseRoot } from "./copy_route.ts";
export type { CopyEvent, CopyFailure, CopyRecursivelyOptions, CopyResult, ExtraItem } from "./copy_options.ts";
export { parseShard, type Shard } from "./shard.ts";
export { applyGarbagePlan, type ApplyGarbagePlanOptions, collectGarbage, type CollectGarbageOptions } from "./gc.ts";
export type { GcRunOptions } from "./gc_run.ts";
export type { GcEvent, GcResult, LeftWhy, RepositorySummary } from "./gc_events.ts";
export type { GcBlob, GcGraph, GcManifest } from "./gc_graph.ts";
export { type GarbageManifest, type GarbagePlan, type GarbageTag, planGarbage } from "./gc_plan.ts";
export {
  type GarbagePlanFile,
  parsePlan,
  type PlannedItem,
  plannedItem,
  type PlanTerms,
  planText,
} from "./gc_plan_file.ts";
export { DEFAULT_GRACE, type GcPins, type GcRules, type KeepRule, type RemoveRule } from "./gc_rules.ts";
export type { TagSetRule } from "./gc_tag_set.ts";
export { parseRules } from "./gc_rules_file.ts";
export { parsePins } from "./gc_pins.ts";
export { parseSyncFile, type ParseSyncFileOptions } from "./sync/parse.ts";
export type { SyncEntry, SyncFile, SyncImage, SyncReferrerFilter, SyncRegistry } from "./sync/sync_file.ts";
export type { SyncChoice } from "./sync/tag_choice.ts";
export { parseSchedule, type SyncSchedule } from "./sync/schedule.ts";
export { syncImages, type SyncOptions } from "./sync/sync.ts";
