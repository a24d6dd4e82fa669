import { DigestMismatchError } from "../errors.ts";
import type { Layer } from "../image/mod.ts";
import type { BlobNode } from "./sink.ts";

/**
 * Makes the node of a layer.
 *
 * @throws {DigestMismatchError} when the layer was read and is not what its descriptor promises.
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
