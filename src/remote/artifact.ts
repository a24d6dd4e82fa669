import type { Descriptor } from "../spec/mod.ts";

/**
 * What a descriptor of a manifest says beyond its digest (distribution-spec, "Listing Referrers"): its artifact type,
 * which is its config's media type when it names none, and its annotations.
 */
export function artifactFields(manifest: Record<string, unknown>): Pick<Descriptor, "artifactType" | "annotations"> {
  const config = manifest.config as { mediaType?: unknown } | undefined;
  const artifactType = manifest.artifactType || config?.mediaType;
  return {
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(manifest.annotations ? { annotations: manifest.annotations as Record<string, string> } : {}),
  };
}
