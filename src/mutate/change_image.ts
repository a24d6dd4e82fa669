import type { Image } from "../image/mod.ts";
import { type ConfigFile, parsePlatform, type Platform, type RunConfig } from "../spec/mod.ts";
import { editImage } from "./edit_image.ts";
import { type FieldChanges, sameJson, withFields } from "./fields.ts";
import { changedExtras, type ManifestChanges } from "./manifest_extras.ts";
import { changedRunConfig, type RunConfigChanges } from "./run_config.ts";
import { rfc3339 } from "./rfc3339.ts";

/** What {@linkcode changeImage} changes. What is left out stays, and `null` takes something away. */
export interface ImageChanges extends ManifestChanges, RunConfigChanges {
  /**
   * The whole config file, with a diff id for each layer; the other changes come on top.
   * @default it stays
   */
  readonly configFile?: ConfigFile;
  /**
   * All of how the image is run; the other changes come on top.
   * @default it stays
   */
  readonly config?: RunConfig | null;
  /**
   * When the image was made: a date, or an RFC 3339 time, which is written as it is.
   * @default it stays
   */
  readonly created?: Date | string | null;
  /**
   * Who made it.
   * @default it stays
   */
  readonly author?: string | null;
  /**
   * What it runs on; all of it, so that a variant that is not named goes.
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
 * An image with some things changed, said as data: `{ labels: { team: "web", old: null }, user: null }`. See
 * {@linkcode editImage}, which it is made with, for what is read when; layers never are.
 *
 * @throws {TypeError} when a time or a media type is none; reading it fails with one when a variable's name is none.
 */
export function changeImage(base: Image, changes: ImageChanges): Image {
  const { annotations, subject, artifactType, mediaType, created: createdAt, ...others } = changes;
  const configChanges = { ...others, created: createdAt ? rfc3339(createdAt) : createdAt };
  const says = (values: object) => Object.values(values).some((value) => value !== undefined);
  const inManifest = { annotations, subject, artifactType };
  if (!says({ ...configChanges, ...inManifest, mediaType })) return base;
  return editImage(base, {
    mediaType,
    manifest: says(inManifest) ? (extras) => changedExtras(extras, inManifest) : undefined,
    configFile: says(configChanges) ? (config) => changedConfigFile(config, configChanges) : undefined,
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

/** A platform as changes of a config's fields: all of them, since a field that it does not name is not its own. */
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
