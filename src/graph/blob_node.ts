import { DigestMismatchError } from "../errors.ts";
import type { Layer } from "../image/mod.ts";
import type { BlobNode } from "./sink.ts";

/**
 * Creates the node of a layer.
 *
 * @throws {DigestMismatchError} if the layer was read and its digest is not that of its descriptor.
 */
export async function blobNode(layer: Layer, signal: AbortSignal | undefined): Promise<BlobNode> {
  const { content } = layer;
  const { identity } = content;
  const descriptor = identity && await layer.descriptor({ signal });
  if (identity && descriptor && descriptor.digest !== identity.digest) {
    throw new DigestMismatchError(`a layer has the digest ${identity.digest} where ${descriptor.digest} was promised`);
  }
  return { kind: "blob", content, mediaType: await layer.mediaType({ signal }), descriptor, origins: content.origins };
}
