import { UnsupportedError } from "../errors.ts";
import { type AbortOptions, verifyBytes } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { MediaType } from "../spec/mod.ts";
import type { ManifestNode } from "./sink.ts";

/**
 * Reads and verifies the bytes of a manifest for a sink that names files by the digest of their bytes.
 *
 * @throws {UnsupportedError} for signed schema 1, whose digest covers only a part of its bytes.
 */
export async function manifestBytes({ view, descriptor }: ManifestNode, options: AbortOptions): Promise<Bytes> {
  const { digest, size, mediaType } = descriptor;
  if (mediaType === MediaType.DockerManifestSchema1Signed) {
    throw new UnsupportedError(`${digest} is a signed schema 1 manifest, whose digest is not that of its bytes`, {
      hint: "a layout can't hold it; copy it from registry to registry",
    });
  }
  return await verifyBytes(await view.rawManifest(options), { digest, size }, `manifest ${digest}`);
}
