import { LimitError } from "../errors.ts";
import { type AbortOptions, digestBytes, Limits, mapConcurrent, Tally } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { isRfc3339 } from "../spec/internal.ts";
import {
  type ConfigFile,
  configPlatform,
  type Descriptor,
  type Hash,
  hashAlgorithm,
  isConfig,
  isLayer,
  type Manifest,
  MediaType,
  parseConfigFile,
  parseIndexManifest,
  parseManifest,
  type Platform,
  platformString,
} from "../spec/mod.ts";
import { type BlobCheck, type BlobExaminer, descriptorProblems } from "./examine_blob.ts";
import { attempt, inside, mismatch, type Problem, problem } from "./problem.ts";
import type { Image, ImageIndex, IndexChild, ManifestView, OtherManifest } from "./view.ts";

/** The numbers of examined manifests and blobs, which are bounded (security rule 26). */
export class Tallies {
  /** The members of indexes. */
  readonly manifests: Tally = new Tally(Limits.manifests, "the members of the index and of those in it");
  /** The layers and other blobs. */
  readonly blobs: Tally = new Tally(Limits.blobs, "the layers of all images");
}

/** Options of {@linkcode examineImage} and {@linkcode examineIndex}. */
export interface ExamineOptions extends AbortOptions {
  /** What to call the image or index; empty for the one that was asked about. */
  where: string;
  /** How many members are looked at at the same time. */
  concurrency: number;
  /** Counts what is examined, since an index decides how much that is. */
  tallies: Tallies;
  /**
   * Reads the blobs that a manifest names.
   * @default blobs are not read
   */
  blobs?: BlobExaminer;
  /**
   * Its descriptor in an index.
   * @default nothing
   */
  descriptor?: Descriptor;
}

/** How deep indexes in indexes are followed; real ones have two levels. */
const MAX_DEPTH = 16;

/** Returns what is wrong with an image: its manifest, its config and its blobs. */
export async function examineImage(image: Image, options: ExamineOptions): Promise<Problem[]> {
  const { where, signal } = options;
  const blobs: BlobCheck[] = [];
  const problems = await attempt(inside(where, "manifest"), signal, async () => {
    const raw = await image.rawManifest({ signal });
    const manifest = parseManifest(raw, "it");
    const own = await manifestProblems(image, { ...options, raw, mediaType: manifest.mediaType });
    const config = await examineConfig(image, manifest, options);
    const layers = await attempt(inside(where, "layers"), signal, async () => {
      const checks = await layerChecks(image, manifest, { ...options, diffIds: config.diffIds });
      blobs.push(...checks);
      const found = await mapConcurrent(
        checks,
        options,
        ({ where, layer, descriptor }, signal) =>
          attempt(where, signal, () => descriptorProblems(where, layer, { descriptor, signal })),
      );
      return found.flat();
    });
    return [...own, ...config.problems, ...layers];
  });
  return [...problems, ...await options.blobs?.examine(blobs, signal) ?? []];
}

/** Compares a view of a manifest with the manifest's bytes and with its descriptor in an index. */
async function manifestProblems(
  view: ManifestView,
  options: ExamineOptions & { raw: Bytes; mediaType: string | undefined },
): Promise<Problem[]> {
  const { where, raw, descriptor, signal } = options;
  const digest = await view.digest({ signal });
  const size = await view.size({ signal });
  const mediaType = await view.mediaType({ signal });
  const actual = await digestBytes(raw, hashAlgorithm(digest));
  return [
    ...mismatch(where, "the manifest's digest", { found: actual, promised: digest }),
    ...mismatch(where, "the manifest's size", { found: raw.length, promised: size }),
    ...mismatch(where, "the manifest's media type", { found: options.mediaType || mediaType, promised: mediaType }),
    ...(descriptor
      ? [
        ...mismatch(where, "the digest", { found: digest, promised: descriptor.digest }),
        ...mismatch(where, "the size", { found: size, promised: descriptor.size }),
        ...mismatch(where, "the media type", { found: mediaType, promised: descriptor.mediaType }),
      ]
      : []),
  ];
}

/** Looks at the config of an image; its diff ids come back if there is one for each layer. */
async function examineConfig(
  image: Image,
  manifest: Manifest,
  options: ExamineOptions,
): Promise<{ problems: Problem[]; diffIds: readonly Hash[] | undefined }> {
  const { signal } = options;
  const where = inside(options.where, "config");
  let diffIds: readonly Hash[] | undefined;
  const problems = await attempt(where, signal, async () => {
    const { digest, size, mediaType } = manifest.config;
    const raw = await image.rawConfigFile({ signal });
    const found = [
      ...mismatch(where, "the digest", { found: await digestBytes(raw, hashAlgorithm(digest)), promised: digest }),
      ...mismatch(where, "the size", { found: raw.length, promised: size }),
      ...mismatch(where, "the image's config name", { found: await image.configName({ signal }), promised: digest }),
    ];
    if (!isConfig(mediaType)) return found;
    const file = parseConfigFile(raw, "it");
    const { rootfs } = file;
    found.push(...mismatch(where, "rootfs.type", { found: rootfs.type, promised: "layers" }));
    found.push(...timeProblems(where, file));
    if (options.descriptor?.platform) found.push(...platformProblems(where, file, options.descriptor.platform));
    const { layers } = manifest;
    if (rootfs.diff_ids.length === layers.length) diffIds = rootfs.diff_ids;
    // An artifact may borrow the config's media type and have no diff ids, as long as none of its blobs is a layer.
    else if (rootfs.diff_ids.length > 0 || layers.some((layer) => isLayer(layer.mediaType))) {
      found.push(
        problem(where, `it has ${rootfs.diff_ids.length} diff ids where the manifest has ${layers.length} layers`),
      );
    }
    return found;
  });
  return { problems, diffIds };
}

/** What is to be read of an image. */
async function layerChecks(
  image: Image,
  manifest: Manifest,
  options: ExamineOptions & { diffIds: readonly Hash[] | undefined },
): Promise<BlobCheck[]> {
  const { where, diffIds, signal } = options;
  options.tallies.blobs.add(manifest.layers.length);
  const layers = await image.layers({ signal });
  if (layers.length !== manifest.layers.length) {
    throw new RangeError(`the view has ${layers.length} of them where the manifest has ${manifest.layers.length}`);
  }
  const runnable = isConfig(manifest.config.mediaType);
  return manifest.layers.map((descriptor, i) => ({
    where: inside(where, `layer ${i + 1} of ${layers.length} (${descriptor.digest})`),
    layer: layers[i],
    descriptor,
    diffId: diffIds?.[i],
    tar: runnable && isLayer(descriptor.mediaType),
  }));
}

/** Returns what is wrong with an index and with its members and theirs. */
export async function examineIndex(index: ImageIndex, options: ExamineOptions): Promise<Problem[]> {
  return await examineLevel(index, { ...options, depth: 0, seen: new Set() });
}

interface LevelOptions extends ExamineOptions {
  depth: number;
  /** The nested indexes that were looked at: one that occurs often is not looked at often. */
  seen: Set<Hash>;
}

async function examineLevel(index: ImageIndex, options: LevelOptions): Promise<Problem[]> {
  const { where, concurrency, depth, signal } = options;
  const ofMembers: Problem[] = [];
  const own = await attempt(inside(where, "index"), signal, async () => {
    if (depth > MAX_DEPTH) throw new LimitError(`indexes are nested more than ${MAX_DEPTH} deep`);
    const raw = await index.rawManifest({ signal });
    const { mediaType, manifests } = parseIndexManifest(raw, "it");
    const found = await manifestProblems(index, { ...options, raw, mediaType });
    options.tallies.manifests.add(manifests.length);
    const children = await index.children({ signal });
    found.push(...mismatch(where, "the number of members", { found: children.length, promised: manifests.length }));
    const members = await mapConcurrent(
      children,
      { concurrency, signal },
      (child, signal) => examineMember(child, { ...options, where: inside(where, memberName(child)), signal }),
    );
    for (const problems of members) ofMembers.push(...problems);
    return found;
  });
  return [...own, ...ofMembers];
}

function memberName({ descriptor }: IndexChild): string {
  const platform = descriptor.platform && platformString(descriptor.platform);
  return platform ? `${platform} (${descriptor.digest})` : descriptor.digest;
}

/** Examines a member of an index and compares it with its descriptor. */
async function examineMember({ descriptor, view }: IndexChild, options: LevelOptions): Promise<Problem[]> {
  const { where, signal } = options;
  if (view.kind === "layer") {
    const check = { where, layer: view, descriptor, diffId: undefined, tar: false };
    const problems = await attempt(where, signal, () => descriptorProblems(where, view, { descriptor, signal }));
    return [...problems, ...await options.blobs?.examine([check], signal) ?? []];
  }
  if (view.kind === "manifest") return await examineOther(view, { ...options, descriptor });
  if (view.kind === "index" && options.seen.has(descriptor.digest)) return [];
  options.seen.add(descriptor.digest);
  return view.kind === "image"
    ? await examineImage(view, { ...options, descriptor })
    : await examineLevel(view, { ...options, descriptor, depth: options.depth + 1 });
}

/** Looks at a manifest that is neither an image nor an index. */
async function examineOther(view: OtherManifest, options: ExamineOptions): Promise<Problem[]> {
  const { where, signal } = options;
  const blobs: BlobCheck[] = [];
  const problems = await attempt(inside(where, "manifest"), signal, async () => {
    const raw = await view.rawManifest({ signal });
    const layers = await view.blobs({ signal });
    options.tallies.blobs.add(layers.length);
    for (const layer of layers) {
      const descriptor = await layer.descriptor({ signal });
      blobs.push({ where: inside(where, descriptor.digest), layer, descriptor, diffId: undefined, tar: false });
    }
    // The digest of signed schema 1 is that of its payload.
    const isSigned = await view.mediaType({ signal }) === MediaType.DockerManifestSchema1Signed;
    return isSigned ? [] : await manifestProblems(view, { ...options, raw, mediaType: undefined });
  });
  return [...problems, ...await options.blobs?.examine(blobs, signal) ?? []];
}

/** Which times of a config are none: Go's programs refuse the whole config then. */
function timeProblems(where: string, { created, history }: ConfigFile): Problem[] {
  const times = {
    created,
    ...Object.fromEntries((history ?? []).map((step, i) => [`history[${i}].created`, step.created])),
  };
  return Object.entries(times).flatMap(([name, time]: [string, unknown]) =>
    time === undefined || time === null || isRfc3339(time)
      ? []
      : [problem(where, `${name} is ${JSON.stringify(time)}, which is no RFC 3339 time like 2024-02-03T04:05:06Z`)]
  );
}

/** In what a config disagrees with the platform that an index gives its image. */
function platformProblems(where: string, config: ConfigFile, platform: Platform): Problem[] {
  // An attestation has no platform, which the index calls "unknown".
  if (platform.os === "unknown") return [];
  const own = configPlatform(config);
  const agrees = own.os === platform.os && own.architecture === platform.architecture &&
    (["variant", "os.version"] as const).every((name) => !own[name] || !platform[name] || own[name] === platform[name]);
  if (agrees) return [];
  return mismatch(where, "the platform", {
    found: platformString(own) || "missing",
    promised: platformString(platform) || "none",
  });
}
