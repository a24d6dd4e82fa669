import { manifestBytes } from "../graph/internal.ts";
import type { Node } from "../graph/mod.ts";
import { REF_NAME_ANNOTATION } from "../image/internal.ts";
import type { AbortOptions } from "../io/mod.ts";
import { indexManifestBytes, jsonBytes } from "../spec/internal.ts";
import { type Descriptor, type Hash, hashAlgorithm, hashHexDigits, MediaType } from "../spec/mod.ts";
import type { PlannedFile } from "./archive_sink.ts";
import { bytesFile } from "./docker_format.ts";

/** The files of an OCI image layout in an archive (image-spec, "Image Layout"); names become annotations. */
export async function ociFormat(nodes: readonly Node[], options: AbortOptions): Promise<readonly PlannedFile[]> {
  const listed = new Map<string, Descriptor>();
  const files: PlannedFile[] = [];
  for (const node of nodes) {
    const { digest, size } = node.descriptor!;
    if (node.kind === "blob") {
      files.push({ path: blobPath(digest), size, content: digest });
      continue;
    }
    files.push(bytesFile(blobPath(digest), await manifestBytes(node, options)));
    if (!node.isRoot) continue;
    const names = node.names.length > 0 ? node.names : [undefined];
    for (const name of names) {
      const descriptor = named(node.descriptor, name);
      listed.set(JSON.stringify(descriptor), descriptor);
    }
  }
  const index = { schemaVersion: 2, mediaType: MediaType.OciImageIndex, manifests: [...listed.values()] };
  return [
    bytesFile("oci-layout", jsonBytes({ imageLayoutVersion: "1.0.0" })),
    bytesFile("index.json", indexManifestBytes(index)),
    ...files,
  ];
}

function named(descriptor: Descriptor, name: string | undefined): Descriptor {
  if (name === undefined) return descriptor;
  return { ...descriptor, annotations: { ...descriptor.annotations, [REF_NAME_ANNOTATION]: name } };
}

function blobPath(digest: Hash): string {
  return `blobs/${hashAlgorithm(digest)}/${hashHexDigits(digest)}`;
}
