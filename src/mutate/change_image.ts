import type { Image } from "../image/mod.ts";
import { type ConfigFile, parsePlatform, type Platform, type RunConfig } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { type FieldChanges, sameJson, withFields } from "./fields.ts";
import { changedExtras, type ManifestChanges } from "./manifest_extras.ts";
import { changedRunConfig, type RunConfigChanges } from "./run_config.ts";
import { rfc3339 } from "./rfc3339.ts";

/** The changes of {@linkcode changeImage}. Absent fields stay, and `null` removes. */
export interface ImageChanges extends ManifestChanges, RunConfigChanges {
  /**
   * The whole config file, with a diff id for each layer; the other changes are applied after it.
   * @default it stays
   */
  readonly configFile?: ConfigFile;
  /**
   * The whole run config; the other changes are applied after it.
   * @default it stays
   */
  readonly config?: RunConfig | null;
  /**
   * When the image was made: a date, or an RFC 3339 time. It is written as Go does, without zeros at the end of a fraction.
   * @default it stays
   */
  readonly created?: Date | string | null;
  /**
   * The author.
   * @default it stays
   */
  readonly author?: string | null;
  /**
   * The platform, whole: an absent variant is removed.
   * @default it stays
   */
  readonly platform?: Platform | string | null;
  /**
   * The variant of the CPU.
   * @default it stays, or is the platform's
   */
  readonly variant?: string | null;
  /**
   * The media type of the manifest; those of config and layers become those of its family, Docker or OCI.
   * @default it stays
   */
  readonly mediaType?: string;
}

/**
 * Changes an image by data: `{ labels: { team: "web", old: null }, user: null }`. See
 * {@linkcode editImage} for what is read when; layers are not read.
 *
 * @throws {TypeError} when a time or a media type is invalid; reading fails with one when a variable's name is.
 */
export function changeImage(base: Image, changes: ImageChanges): Image {
  const { annotations, subject, artifactType, mediaType, created: createdAt, ...others } = changes;
  const configChanges = { ...others, created: createdAt ? rfc3339(createdAt) : createdAt };
  const hasAny = (values: object) => Object.values(values).some((value) => value !== undefined);
  const inManifest = { annotations, subject, artifactType };
  if (!hasAny({ ...configChanges, ...inManifest, mediaType })) return base;
  return editImage(base, {
    mediaType,
    manifest: hasAny(inManifest) ? (extras) => changedExtras(extras, inManifest) : undefined,
    configFile: hasAny(configChanges) ? (config) => changedConfigFile(config, configChanges) : undefined,
  });
}

type ConfigChanges =
  & Omit<ImageChanges, keyof ManifestChanges | "mediaType" | "created">
  & { readonly created: string | null | undefined };

function changedConfigFile(before: ConfigFile, changes: ConfigChanges): ConfigFile {
  const { configFile, config, created, author, platform, variant, ...run } = changes;
  const file = withFields<ConfigFile>(configFile ?? before, {
    ...platformFields(platform),
    ...(variant === undefined ? {} : { variant }),
    created,
    author,
    config,
  });
  const running = file.config ?? {};
  const runningThen = changedRunConfig(running, run, file.os);
  return sameJson(running, runningThen) ? file : { ...file, config: runningThen };
}

/** Converts a platform to changes of all its fields in a config: an absent field is removed. */
export function platformFields(wanted: Platform | string | null | undefined): FieldChanges<ConfigFile> {
  if (wanted === undefined) return {};
  const platform = wanted === null ? undefined : parsePlatform(wanted);
  const { architecture = "", os = "" } = platform ?? {};
  return {
    architecture,
    os,
    "os.version": platform?.["os.version"] ?? null,
    "os.features": platform?.["os.features"] ?? null,
    variant: platform?.variant ?? null,
  };
}
