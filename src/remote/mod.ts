/**
 * Images, indexes, layers, tags, catalogs and referrers in registries: read with a {@linkcode Puller}, written with a
 * {@linkcode Pusher}.
 *
 * @example
 * ```ts
 * import { emptyImage } from "@gcrane/gcrane/image";
 * import { parseReference } from "@gcrane/gcrane/name";
 * import { createRegistry } from "@gcrane/gcrane/registry";
 * import { Puller, Pusher } from "@gcrane/gcrane/remote";
 *
 * const registry = createRegistry(); // in memory, without a socket
 * const options = { fetch: registry.fetch };
 * const reference = parseReference("registry.example.com/team/app:v1");
 *
 * const digest = await new Pusher(options).push(reference, emptyImage());
 * const image = await new Puller(options).image(reference);
 * console.log(await image.digest() === digest); // true
 * ```
 *
 * @module
 */
export { type Access, Client, type ClientOptions, type RepositoryRequest } from "./client.ts";
export { type PlatformOptions, type ProgressOptions, type RemoteOptions } from "./options.ts";
export { Puller, RemoteManifest } from "./puller.ts";
export { type DeleteOptions, Pusher } from "./pusher.ts";
export { type ManifestBytes, type PutManifestOptions, type ReferrersTime } from "./manifest_put.ts";
export { RegistrySink, type RegistrySinkOptions } from "./registry_sink.ts";
export { type CatalogPage, type GoogleManifestInfo, type ListOptions, type TagsPage } from "./listing.ts";
export { cosignTags, type ReferrersOptions, referrersTag } from "./referrers.ts";
