import { parseJsonObject } from "./json.ts";
import { ManifestError } from "../errors.ts";
import { type Hash, isHash } from "./hash.ts";
import type { Platform } from "./platform.ts";

/** One step of how an image came to be (image-spec, "Image JSON", `history`). */
export interface History {
  /** When, as an RFC 3339 time. */
  readonly created?: string;
  /** By which command. */
  readonly created_by?: string;
  /** By whom. */
  readonly author?: string;
  /** A free text. */
  readonly comment?: string;
  /** Whether the step made no layer. */
  readonly empty_layer?: boolean;
}

/** The layers of an image by the digests of their uncompressed tars, the bottom one first. */
export interface RootFs {
  /** Always `layers`. */
  readonly type: string;
  /** The digests of the uncompressed tars. */
  readonly diff_ids: readonly Hash[];
}

/** How the image is run (image-spec, "Image JSON", `config`); Docker's own fields are kept as they are. */
export interface RunConfig {
  /** `user[:group]`, by name or number. */
  readonly User?: string;
  /** Ports that it listens on: keys like `80/tcp`, values empty. */
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  /** Environment as `NAME=value`. */
  readonly Env?: readonly string[] | null;
  /** The command that is run. */
  readonly Entrypoint?: readonly string[] | null;
  /** The arguments of the command, or the command. */
  readonly Cmd?: readonly string[] | null;
  /** Directories that hold data: keys are paths, values empty. */
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  /** The directory that the command starts in. */
  readonly WorkingDir?: string;
  /** Arbitrary metadata. */
  readonly Labels?: Readonly<Record<string, string>> | null;
  /** The signal that asks it to end. */
  readonly StopSignal?: string;
  /** Whatever else is there. */
  readonly [field: string]: unknown;
}

/** The config of an image (image-spec, "OCI Image Configuration"); unknown fields are kept. */
export interface ConfigFile {
  /** The CPU architecture. */
  readonly architecture: string;
  /** The operating system. */
  readonly os: string;
  /** The version of the operating system. */
  readonly "os.version"?: string;
  /** Features of the operating system that the image demands. */
  readonly "os.features"?: readonly string[];
  /** The variant of the CPU. */
  readonly variant?: string;
  /** When the image was made, as an RFC 3339 time. */
  readonly created?: string;
  /** Who made it. */
  readonly author?: string;
  /** How it is run. */
  readonly config?: RunConfig;
  /** Its layers. */
  readonly rootfs: RootFs;
  /** How it came to be. */
  readonly history?: readonly History[] | null;
  /** Whatever else is there. */
  readonly [field: string]: unknown;
}

/**
 * Reads the config of an image.
 *
 * @param what what to call it in an error
 * @throws {ManifestError} when it is not a JSON object, its history is no list or a diff id in it is not a digest.
 * A config without `rootfs` (an artifact's) reads as one without layers.
 */
export function parseConfigFile(bytes: Uint8Array, what = "config file"): ConfigFile {
  const value = parseJsonObject(bytes, what);
  const { rootfs, history } = value;
  if (!isAbsent(rootfs) && (typeof rootfs !== "object" || Array.isArray(rootfs))) {
    throw new ManifestError(`${what}: rootfs is not an object`);
  }
  if (!isAbsent(history) && !(Array.isArray(history) && history.every((step) => typeof step === "object" && step))) {
    throw new ManifestError(`${what}: history is not a list of objects`);
  }
  const { type = "layers", diff_ids } = (rootfs ?? {}) as { type?: unknown; diff_ids?: unknown };
  const diffIds = diff_ids ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every(isHash)) {
    throw new ManifestError(`${what}: rootfs.diff_ids is not a list of digests`);
  }
  return {
    ...value,
    architecture: typeof value.architecture === "string" ? value.architecture : "",
    os: typeof value.os === "string" ? value.os : "",
    rootfs: { ...rootfs, type: typeof type === "string" ? type : "layers", diff_ids: diffIds },
  };
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** Returns the platform that a config file names. */
export function configPlatform(config: ConfigFile): Platform {
  return {
    architecture: config.architecture,
    os: config.os,
    ...(config["os.version"] ? { "os.version": config["os.version"] } : {}),
    ...(config["os.features"]?.length ? { "os.features": config["os.features"] } : {}),
    ...(config.variant ? { variant: config.variant } : {}),
  };
}
