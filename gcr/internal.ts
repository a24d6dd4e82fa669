// The part of this room that only the other rooms of the package use: it is not exported from the package.

// A listing loads what is exported here alone: mod.ts has copies, garbage collection and synchronisation as well.
export { isDigestTag, listingLines, type ListingLinesOptions, listRepository } from "./list.ts";
export { parseRoot } from "./copy_route.ts";
export { walkRepositories } from "./walk.ts";
export { type ManifestDetails, manifestDetails, type ManifestDetailsOptions } from "./manifest_details.ts";
export { type ListedManifest, listedManifests, type ListedManifestsOptions } from "./listed_manifests.ts";
export { isInShard } from "./shard.ts";
export { joinPins } from "./gc_pins.ts";
export { parseDuration } from "../src/io/mod.ts";
