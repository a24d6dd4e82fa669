import type { AbortOptions } from "../io/mod.ts";
import { checkView } from "./check_view.ts";
import { parseJson } from "../spec/internal.ts";
import type { Image, ImageIndex, IndexChild, Layer, ManifestView } from "./view.ts";

/** One thing in which two views differ. */
export interface Difference {
  /** Where: `digest`, `manifest.annotations.a`, `layers[1].size`, `config.config.Env[0]`, `manifests[2].platform.os`. */
  readonly path: string;
  /** What the first has there; `undefined` if nothing. */
  readonly a: unknown;
  /** What the second has there; `undefined` if nothing. */
  readonly b: unknown;
}

/**
 * In what two layers differ: their descriptors and, if their digests differ, the digests of their uncompressed tars,
 * for which they may have to be read. None if they are the same.
 */
export async function compareLayers(a: Layer, b: Layer, options: AbortOptions = {}): Promise<Difference[]> {
  for (const layer of [a, b]) checkView(layer, "layer");
  const [left, right] = await Promise.all([a.descriptor(options), b.descriptor(options)]);
  const differences = differencesOf("", left, right);
  if (left.digest === right.digest) return differences;
  const [leftId, rightId] = await Promise.all([a.diffId(options), b.diffId(options)]);
  return [...differences, ...differencesOf("diffId", leftId, rightId)];
}

/**
 * In what two images differ: media type, digest, size, the fields of manifest and config, the layers by position. None
 * if they are the same.
 */
export async function compareImages(a: Image, b: Image, options: AbortOptions = {}): Promise<Difference[]> {
  for (const image of [a, b]) checkView(image, "image");
  const differences = await compareViews(a, b, options);
  const [{ layers: _a, ...left }, { layers: _b, ...right }] = await Promise.all([
    a.manifest(options),
    b.manifest(options),
  ]);
  differences.push(...differencesOf("manifest", left, right));
  const [leftConfig, rightConfig] = await Promise.all([configContent(a, options), configContent(b, options)]);
  differences.push(...differencesOf("config", leftConfig, rightConfig));
  const [leftLayers, rightLayers] = await Promise.all([a.layers(options), b.layers(options)]);
  for (let i = 0; i < Math.max(leftLayers.length, rightLayers.length); i++) {
    const [one, other] = [leftLayers[i], rightLayers[i]];
    const path = `layers[${i}]`;
    if (one && other) differences.push(...below(path, await compareLayers(one, other, options)));
    else differences.push({ path, a: await one?.digest(options), b: await other?.digest(options) });
  }
  return differences;
}

/**
 * In what two indexes differ: media type, digest, size, the fields of their manifests, the members by position; members
 * whose digests differ are compared in the same way. None if they are the same.
 */
export async function compareIndexes(a: ImageIndex, b: ImageIndex, options: AbortOptions = {}): Promise<Difference[]> {
  for (const index of [a, b]) checkView(index, "index");
  const differences = await compareViews(a, b, options);
  const [{ manifests: _a, ...left }, { manifests: _b, ...right }] = await Promise.all([
    a.manifest(options),
    b.manifest(options),
  ]);
  differences.push(...differencesOf("manifest", left, right));
  const [leftChildren, rightChildren] = await Promise.all([a.children(options), b.children(options)]);
  for (let i = 0; i < Math.max(leftChildren.length, rightChildren.length); i++) {
    const [one, other] = [leftChildren[i], rightChildren[i]];
    const path = `manifests[${i}]`;
    differences.push(...differencesOf(path, one?.descriptor, other?.descriptor));
    if (one && other && one.descriptor.digest !== other.descriptor.digest) {
      differences.push(...below(path, await compareMembers(one, other, options)));
    }
  }
  return differences;
}

/** In what two members differ beyond their descriptors. */
async function compareMembers(a: IndexChild, b: IndexChild, options: AbortOptions): Promise<Difference[]> {
  const beyond = async (found: Promise<Difference[]>) =>
    (await found).filter(({ path }) => !["mediaType", "digest", "size"].includes(path));
  if (a.view.kind === "image" && b.view.kind === "image") return await beyond(compareImages(a.view, b.view, options));
  if (a.view.kind === "index" && b.view.kind === "index") return await beyond(compareIndexes(a.view, b.view, options));
  return [];
}

async function compareViews(a: ManifestView, b: ManifestView, options: AbortOptions): Promise<Difference[]> {
  const facts = async (view: ManifestView) => ({
    mediaType: await view.mediaType(options),
    digest: await view.digest(options),
    size: await view.size(options),
  });
  const [left, right] = await Promise.all([facts(a), facts(b)]);
  return differencesOf("", left, right);
}

/** Parses a config as JSON; returns `undefined` where it is none, as for an artifact: then the digest is compared. */
async function configContent(image: Image, options: AbortOptions): Promise<unknown> {
  const bytes = await image.rawConfigFile(options);
  try {
    return parseJson(bytes, "the config");
  } catch {
    return undefined;
  }
}

function below(path: string, differences: Difference[]): Difference[] {
  return differences.map((difference) => ({ ...difference, path: `${path}.${difference.path}` }));
}

/** In what two JSON values differ. A field that is missing and one that is `undefined` are the same. */
function differencesOf(path: string, a: unknown, b: unknown): Difference[] {
  if (Object.is(a, b)) return [];
  if (Array.isArray(a) && Array.isArray(b)) {
    return Array.from(
      { length: Math.max(a.length, b.length) },
      (_, i) => differencesOf(`${path}[${i}]`, a[i], b[i]),
    ).flat();
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((key) => differencesOf(path === "" ? key : `${path}.${key}`, a[key], b[key]));
  }
  return [{ path, a, b }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
