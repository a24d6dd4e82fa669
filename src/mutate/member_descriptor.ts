import type { Image, ImageIndex } from "../image/mod.ts";
import { configPlatform, isConfig, MediaType, type Platform } from "../spec/mod.ts";

/** The platform that the config of an image names; `undefined` for an artifact, and when it names none. */
export async function platformOf(image: Image): Promise<Platform | undefined> {
  const { config } = await image.manifest();
  if (!isConfig(config.mediaType)) return undefined;
  const platform = configPlatform(await image.configFile());
  return platform.os !== "" && platform.architecture !== "" ? platform : undefined;
}

/**
 * What kind of artifact a manifest is, as a descriptor says it (image-spec, "Guidelines for Artifact Usage"): its
 * artifact type, else that of its config; `undefined` for an image to run.
 */
export async function artifactTypeOf(view: Image | ImageIndex): Promise<string | undefined> {
  if (view.kind === "index") return (await view.manifest()).artifactType;
  const { artifactType, config } = await view.manifest();
  if (artifactType !== undefined || isConfig(config.mediaType)) return artifactType;
  return config.mediaType === MediaType.OciEmpty ? undefined : config.mediaType;
}
