/**
 * The graph of a manifest's content, and the transfer of such graphs into sinks.
 *
 * A registry's repository, a layout and an archive are each a {@linkcode ContentSink}. {@linkcode transfer} alone walks
 * a graph in order to write it: it decides the order of writing and the source of each blob, and writes each blob and
 * manifest once.
 *
 * @example
 * ```ts
 * import { successors } from "@gcrane/gcrane/graph";
 * import { emptyImage } from "@gcrane/gcrane/image";
 *
 * const image = emptyImage();
 * const { config, blobs } = successors(await image.rawManifest(), await image.mediaType());
 * console.log(config?.mediaType, blobs.length); // application/vnd.docker.container.image.v1+json 0
 * ```
 *
 * @module
 */
export { type NamedBlob, type Successors, successors } from "./successors.ts";
export type {
  AnyManifest,
  BlobNode,
  ContentSink,
  FoundManifest,
  ManifestNode,
  Node,
  PutOptions,
  Root,
} from "./sink.ts";
export { TransferState, type TransferStateOptions } from "./state.ts";
export { type Outcome, transfer, type TransferOptions } from "./transfer.ts";
