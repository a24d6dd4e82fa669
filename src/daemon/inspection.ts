import { DaemonError } from "../errors.ts";
import { isObject } from "../io/mod.ts";
import { isDescriptor } from "../spec/internal.ts";
import { type Descriptor, type Hash, isHash, isIndex, type Platform, type RunConfig } from "../spec/mod.ts";

/** What an engine says of an image that it has, without saving it. */
export interface ImageInspection {
  /** What the engine calls the image: the digest of its config, or of its manifest or index. */
  readonly id: Hash;
  /** The digest of its config; `undefined` where the engine knows images by their manifests (containerd's store). */
  readonly configName: Hash | undefined;
  /** Whether the name stands for several images, each for a platform of its own; one of them is described here. */
  readonly multiPlatform: boolean;
  /** Its names with a tag, in the engine's own form. */
  readonly repoTags: readonly string[];
  /** Its names with a digest, of registries that it came from or went to. */
  readonly repoDigests: readonly string[];
  /** When it was made, as an RFC 3339 time. */
  readonly created: string | undefined;
  /** Who made it. */
  readonly author: string | undefined;
  /** What it runs on. */
  readonly platform: Platform;
  /** How it is run. */
  readonly config: RunConfig;
  /** The digests of its uncompressed layers, the bottom one first. */
  readonly diffIds: readonly Hash[];
  /** How many bytes it takes in the engine. */
  readonly size: number;
  /** Everything that the engine said. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** One step of how an image came to be, as an engine tells it. */
export interface ImageHistoryStep {
  /** When, as an RFC 3339 time in whole seconds; `undefined` when that is not known. */
  readonly created: string | undefined;
  /** By which command. */
  readonly createdBy: string;
  /** A free text. */
  readonly comment: string;
  /** How many bytes the step added. */
  readonly size: number;
  /** The names of the image that the step made. */
  readonly tags: readonly string[];
}

/** Reads what `GET /images/{name}/json` answers. @throws {DaemonError} when that has no id, or diff ids that are none. */
export function parseInspection(text: string, what: string): ImageInspection {
  const raw = parseJson(text, what);
  if (!isObject(raw)) throw new DaemonError(`${what} is not a JSON object`);
  const id = toHash(raw.Id);
  if (id === undefined) throw new DaemonError(`${what} has an Id that is no digest`);
  const rootFs = isObject(raw.RootFS) ? raw.RootFS : {};
  const diffIds = strings(rootFs.Layers);
  if (!diffIds.every(isHash)) throw new DaemonError(`${what} has layers that are no digests`);
  const repoDigests = strings(raw.RepoDigests);
  const descriptor = isDescriptor(raw.Descriptor) ? raw.Descriptor : undefined;
  return {
    id,
    configName: namesManifest(id, descriptor, repoDigests) ? undefined : id,
    multiPlatform: descriptor !== undefined && isIndex(descriptor.mediaType),
    repoTags: strings(raw.RepoTags),
    repoDigests,
    created: string(raw.Created),
    author: string(raw.Author),
    platform: {
      architecture: string(raw.Architecture) ?? "",
      os: string(raw.Os) ?? "",
      ...(string(raw.Variant) ? { variant: string(raw.Variant) } : {}),
      ...(string(raw.OsVersion) ? { "os.version": string(raw.OsVersion) } : {}),
    },
    config: isObject(raw.Config) ? raw.Config : {},
    diffIds,
    size: typeof raw.Size === "number" ? raw.Size : 0,
    raw,
  };
}

/** Reads what `GET /images/{name}/history` answers: the steps, the last one first. @throws {DaemonError} when it is no list. */
export function parseHistory(text: string, what: string): ImageHistoryStep[] {
  const steps = parseJson(text, what);
  if (!Array.isArray(steps) || !steps.every(isObject)) throw new DaemonError(`${what} is not a list of objects`);
  return steps.map(({ Created, CreatedBy, Comment, Size, Tags }) => ({
    created: timeOf(Created),
    createdBy: string(CreatedBy) ?? "",
    comment: string(Comment) ?? "",
    size: typeof Size === "number" ? Size : 0,
    tags: strings(Tags),
  }));
}

/**
 * Whether an id is that of a manifest: the engine says so since API 1.48; before that, it is a manifest's when it is the
 * one by which a registry would know the image.
 */
function namesManifest(id: Hash, descriptor: Descriptor | undefined, repoDigests: readonly string[]): boolean {
  return descriptor?.digest === id || repoDigests.some((name) => name.endsWith(`@${id}`));
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DaemonError(`${what} is not JSON`, { cause });
  }
}

function string(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** An id; some engines leave the algorithm out. */
function toHash(value: unknown): Hash | undefined {
  return [value, `sha256:${value}`].find(isHash);
}

/** What Go writes for no time at all, in seconds since 1970. */
const NO_TIME = -62135596800;

/** Seconds since 1970 as a time. */
function timeOf(seconds: unknown): string | undefined {
  if (typeof seconds !== "number" || seconds === NO_TIME || !(Math.abs(seconds) <= 8.64e12)) return undefined;
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
