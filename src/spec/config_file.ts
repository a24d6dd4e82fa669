import { goFields, goNames } from "./go_fields.ts";
import { CONFIG, HISTORY as HISTORY_FORM } from "./go_forms.ts";
import { goJsonBytes } from "./go_json.ts";
import { parseJsonObject } from "./json.ts";
import { parseNumberTexts, withNumberTexts } from "./number_texts.ts";
import { ManifestError } from "../errors.ts";
import { type Hash, isHash } from "./hash.ts";
import type { Platform } from "./platform.ts";

/** One step of an image's history (image-spec, "OCI Image Configuration", `history`). */
export interface History {
  /** The time of the step (RFC 3339). */
  readonly created?: string;
  /** The command that created the layer. */
  readonly created_by?: string;
  /** The author of the step. */
  readonly author?: string;
  /** A custom message. */
  readonly comment?: string;
  /** Whether the step created no layer. */
  readonly empty_layer?: boolean;
}

/** The layers of an image by the digests of their uncompressed tars, the bottom one first. */
export interface RootFs {
  /** Always `layers`. */
  readonly type: string;
  /** The digests of the uncompressed tars. */
  readonly diff_ids: readonly Hash[];
}

/**
 * The execution parameters of an image (image-spec, "OCI Image Configuration", `config`). Docker's own fields are kept.
 */
export interface RunConfig {
  /** `user[:group]`, by name or number. */
  readonly User?: string;
  /** Exposed ports: keys like `80/tcp`, values empty. */
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  /** Environment variables as `NAME=value`. */
  readonly Env?: readonly string[] | null;
  /** The command that runs. */
  readonly Entrypoint?: readonly string[] | null;
  /** The arguments of the entrypoint, or the command if there is no entrypoint. */
  readonly Cmd?: readonly string[] | null;
  /** Directories for data of the container: keys are paths, values empty. */
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  /** The working directory of the entrypoint. */
  readonly WorkingDir?: string;
  /** Arbitrary metadata. */
  readonly Labels?: Readonly<Record<string, string>> | null;
  /** The signal that stops the container. */
  readonly StopSignal?: string;
  /** Unknown fields. */
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
  /** Features of the operating system that the image requires. */
  readonly "os.features"?: readonly string[];
  /** The variant of the CPU. */
  readonly variant?: string;
  /** The creation time of the image (RFC 3339). */
  readonly created?: string;
  /** The author of the image. */
  readonly author?: string;
  /** The execution parameters. */
  readonly config?: RunConfig;
  /** The layers. */
  readonly rootfs: RootFs;
  /** The history, the oldest step first. */
  readonly history?: readonly History[] | null;
  /** Unknown fields. */
  readonly [field: string]: unknown;
}

const FILE = goNames(
  "architecture author config container container_config created docker_version history os os.features os.version",
  "rootfs variant",
);
const RUN = goNames(
  "ArgsEscaped AttachStderr AttachStdin AttachStdout Cmd Domainname Entrypoint Env ExposedPorts Healthcheck Hostname",
  "Image Labels MacAddress NetworkDisabled OnBuild OpenStdin Shell StdinOnce StopSignal StopTimeout Tty User Volumes",
  "WorkingDir",
);
const HISTORY = goNames("author comment created created_by empty_layer");
const ROOTFS = goNames("diff_ids type");

/** Gives the known fields of a config, at all its levels, their proper names. */
function withProperNames(value: Record<string, unknown>): Record<string, unknown> {
  const file = goFields(value, FILE) as Record<string, unknown>;
  const inner: Record<string, unknown> = {
    config: goFields(file.config, RUN),
    rootfs: goFields(file.rootfs, ROOTFS),
    history: Array.isArray(file.history) ? file.history.map((step) => goFields(step, HISTORY)) : file.history,
  };
  return Object.fromEntries(
    Object.entries(file).map(([name, own]) => [name, Object.hasOwn(inner, name) ? inner[name] : own]),
  );
}

/**
 * Parses the config of an image. A known field may be written in another case, as Go's programs read it; it gets its
 * proper name.
 *
 * @param what the name of the config in an error
 * @throws {ManifestError} if it is not a JSON object, its history is not a list or a diff id in it is not a digest. A
 * config without `rootfs` (an artifact's) is read as one without layers.
 */
export function parseConfigFile(bytes: Uint8Array, what = "config file"): ConfigFile {
  const value = withProperNames(parseJsonObject(bytes, what));
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

/** Writes a config; numbers that have not changed since `before`, from which it was made, keep their text. */
export function configFileBytes(config: ConfigFile, before?: Uint8Array): Uint8Array<ArrayBuffer> {
  const complete = { ...config, config: config.config ?? {} };
  if (before === undefined) return goJsonBytes(complete, CONFIG);
  const texts = withProperNames(parseNumberTexts(before) as Record<string, unknown>);
  return goJsonBytes(withNumberTexts(complete, texts), CONFIG);
}

/** Writes a history as a config has it. */
export function historyText(history: readonly History[]): string {
  return new TextDecoder().decode(goJsonBytes(history, HISTORY_FORM));
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Returns whether a value is a time as a config has it (RFC 3339), as Go reads it. */
export function isRfc3339(value: unknown): value is string {
  return typeof value === "string" && RFC_3339.test(value) && !Number.isNaN(Date.parse(value)) && isOnItsDay(value);
}

/** Returns whether the day and the hour exist: `Date` takes a February 30 and the hour 24 as those of the next day. */
function isOnItsDay(time: string): boolean {
  return new Date(`${time.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(time.slice(8, 10)) &&
    time.slice(11, 13) !== "24";
}

/** Returns the platform of a config file. */
export function configPlatform(config: ConfigFile): Platform {
  return {
    architecture: config.architecture,
    os: config.os,
    ...(config["os.version"] ? { "os.version": config["os.version"] } : {}),
    ...(config["os.features"]?.length ? { "os.features": config["os.features"] } : {}),
    ...(config.variant ? { variant: config.variant } : {}),
  };
}
