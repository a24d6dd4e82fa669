import type { Image, ImageIndex } from "../image/mod.ts";
import { configPlatform, isConfig, MediaType, type Platform } from "../spec/mod.ts";

/** Returns the platform in the config of an image; `undefined` for an artifact, and where there is none. */
export async function platformOf(image: Image): Promise<Platform | undefined> {
  const { config } = await image.manifest();
  if (!isConfig(config.mediaType)) return undefined;
  const platform = configPlatform(await image.configFile());
  return platform.os !== "" && platform.architecture !== "" ? platform : undefined;
}

/**
 * Returns the artifact type of a manifest for its descriptor (image-spec, "Guidelines for Artifact Usage"): its
 * artifact type, else that of its config; `undefined` for an image to run.
 */
export async function artifactTypeOf(view: Image | ImageIndex): Promise<string | undefined> {
  if (view.kind === "index") return (await view.manifest()).artifactType;
  const { artifactType, config } = await view.manifest();
  if (artifactType !== undefined || isConfig(config.mediaType)) return artifactType;
  return config.mediaType === MediaType.OciEmpty ? undefined : config.mediaType;
}
