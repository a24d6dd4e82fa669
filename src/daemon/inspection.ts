import { DaemonError } from "../errors.ts";
import { isObject } from "../io/mod.ts";
import { isDescriptor } from "../spec/internal.ts";
import { type Descriptor, type Hash, isHash, isIndex, type Platform, type RunConfig } from "../spec/mod.ts";

/** An engine's data on an image. */
export interface ImageInspection {
  /** The engine's id of the image: the digest of its config, or of its manifest or index. */
  readonly id: Hash;
  /** The digest of the config; `undefined` if the engine identifies images by their manifests (containerd's store). */
  readonly configName: Hash | undefined;
  /** Whether the name stands for several images, by platform; the data is that of one of them. */
  readonly multiPlatform: boolean;
  /** The names with a tag, in the engine's form. */
  readonly repoTags: readonly string[];
  /** The names with a digest, of registries that the image was pulled from or pushed to. */
  readonly repoDigests: readonly string[];
  /** The time of creation, as an RFC 3339 time. */
  readonly created: string | undefined;
  /** The author. */
  readonly author: string | undefined;
  /** The platform. */
  readonly platform: Platform;
  /** The execution parameters. */
  readonly config: RunConfig;
  /** The digests of its uncompressed layers, the bottom one first. */
  readonly diffIds: readonly Hash[];
  /** The size in the engine, in bytes. */
  readonly size: number;
  /** The whole answer of the engine. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** One step of an image's history. */
export interface ImageHistoryStep {
  /** The time, as an RFC 3339 time in whole seconds; `undefined` if unknown. */
  readonly created: string | undefined;
  /** The command. */
  readonly createdBy: string;
  /** A comment. */
  readonly comment: string;
  /** The number of bytes that the step added. */
  readonly size: number;
  /** The names of the image after the step. */
  readonly tags: readonly string[];
}

/** Reads the body of `GET /images/{name}/json`. @throws {DaemonError} if its id or a diff id is not a digest. */
export function parseInspection(text: string, what: string): ImageInspection {
  const raw = parseJson(text, what);
  if (!isObject(raw)) throw new DaemonError(`${what} is not a JSON object`);
  const id = toHash(raw.Id);
  if (id === undefined) throw new DaemonError(`${what} has an Id that is not a digest`);
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

/** Reads the body of `GET /images/{name}/history`, the last step first. @throws {DaemonError} if it is not a list. */
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
 * Whether an id is the digest of a manifest. The engine reports that since API 1.48; before, it is so if a registry's
 * digest for the image equals the id.
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

/** Reads an id. Some engines omit the algorithm. */
function toHash(value: unknown): Hash | undefined {
  return [value, `sha256:${value}`].find(isHash);
}

/** Go's zero time, in seconds since 1970. */
const NO_TIME = -62135596800;

/** Formats seconds since 1970 as a time. */
function timeOf(seconds: unknown): string | undefined {
  if (typeof seconds !== "number" || seconds === NO_TIME || !(Math.abs(seconds) <= 8.64e12)) return undefined;
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
