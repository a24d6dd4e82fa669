import type { Descriptor } from "../spec/mod.ts";

/**
 * Reads the fields of a manifest that belong in its descriptor (distribution-spec, "Listing Referrers"): its
 * annotations and its artifact type, which is its config's media type if it has no type of its own.
 */
export function artifactFields(manifest: Record<string, unknown>): Pick<Descriptor, "artifactType" | "annotations"> {
  const config = manifest.config as { mediaType?: unknown } | undefined;
  const artifactType = manifest.artifactType || config?.mediaType;
  return {
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(manifest.annotations ? { annotations: manifest.annotations as Record<string, string> } : {}),
  };
}
