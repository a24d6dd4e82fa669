import { compareImages, type Difference, type Image, type Layer } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type Descriptor, type Hash, isConfig } from "../spec/mod.ts";
import { differingFields, type FileFacts, type FileField } from "./file_facts.ts";
import { FileSurvey, ImageFiles } from "./file_survey.ts";
import { commandsOf } from "./layer_commands.ts";
import { visitLayers } from "./visit_layers.ts";

/** A layer that only one of two images contains. */
export interface LayerDifference {
  /** `removed` if only the first image contains it, `added` if only the second does. */
  readonly kind: "added" | "removed";
  /** Its position in that image; the bottom layer is 0. */
  readonly position: number;
  /** The digest of its stored bytes. */
  readonly digest: Hash;
  /** The number of its stored bytes. */
  readonly size: number;
  /** The command that created it, if the config's history gives it. */
  readonly createdBy?: string;
}

/** A path that differs between two images. */
export type FileDifference =
  | { readonly kind: "added"; readonly path: string; readonly b: FileFacts }
  | { readonly kind: "removed"; readonly path: string; readonly a: FileFacts }
  | {
    readonly kind: "changed";
    /** The absolute path, as of the others. */
    readonly path: string;
    /** The fields that differ. */
    readonly fields: readonly FileField[];
    readonly a: FileFacts;
    readonly b: FileFacts;
  };

/** The differences of two images. */
export interface ImageDiff {
  /** Whether the images are equal, so that all lists are empty. */
  readonly equal: boolean;
  /** The differences of the manifests: media type, digest, size, and fields other than the layers. */
  readonly manifest: readonly Difference[];
  /** The differences of the configs. */
  readonly config: readonly Difference[];
  /** The layers that differ, without the equal ones at the bottom and at the top. */
  readonly layers: readonly LayerDifference[];
  /** The files that differ, sorted by path. */
  readonly files: readonly FileDifference[];
}

/**
 * Compares two images: manifest, config, layers, and the files of the merged layers by type, mode, owner, size,
 * content, link, device and extended attributes, but not by time. A hard link is compared as the file that it links to.
 *
 * Equal stacks of layers are not read. Shared layers at the bottom are read once, and only if the layers above do not
 * hide them in the same way. Memory grows with the number of names that differ and of names in the layers above.
 */
export async function diff(a: Image, b: Image, options: AbortOptions = {}): Promise<ImageDiff> {
  const { signal } = options;
  const found = await compareImages(a, b, { signal });
  const config = found.filter(({ path }) => path === "config" || path.startsWith("config."));
  const manifest = found.filter((one) => !config.includes(one) && !/^layers\b/.test(one.path));
  const [stackA, stackB] = [await stackOf(a, options), await stackOf(b, options)];
  const layers = layerDifferences(stackA, stackB);
  return { equal: found.length === 0, manifest, config, layers, files: await fileDifferences(stackA, stackB, options) };
}

/** The layers of an image, the bottom one first. */
interface Stack {
  readonly layers: readonly Layer[];
  readonly descriptors: readonly Descriptor[];
  readonly createdBy: readonly (string | undefined)[];
}

async function stackOf(image: Image, { signal }: AbortOptions): Promise<Stack> {
  const { config, layers: descriptors } = await image.manifest({ signal });
  const read = isConfig(config.mediaType) ? await image.configFile({ signal }) : undefined;
  const createdBy = read ? commandsOf(read, descriptors.length) : [];
  return { layers: await image.layers({ signal }), descriptors, createdBy };
}

/** Returns the number of layers at the bottom that two images share. */
function sharedLayers(a: Stack, b: Stack): number {
  const end = a.descriptors.findIndex(({ digest }, i) => digest !== b.descriptors[i]?.digest);
  return end < 0 ? a.descriptors.length : end;
}

function layerDifferences(a: Stack, b: Stack): LayerDifference[] {
  const bottom = sharedLayers(a, b);
  const most = Math.min(a.descriptors.length, b.descriptors.length) - bottom;
  let top = 0;
  while (top < most && a.descriptors.at(-1 - top)!.digest === b.descriptors.at(-1 - top)!.digest) top++;
  const between = ({ descriptors, createdBy }: Stack, kind: LayerDifference["kind"]) =>
    descriptors.slice(bottom, descriptors.length - top).map(({ digest, size }, i): LayerDifference => {
      const command = createdBy[bottom + i];
      return { kind, position: bottom + i, digest, size, ...(command ? { createdBy: command } : {}) };
    });
  return [...between(a, "removed"), ...between(b, "added")];
}

async function fileDifferences(a: Stack, b: Stack, options: AbortOptions): Promise<FileDifference[]> {
  const shared = sharedLayers(a, b);
  const [filesA, filesB] = [new ImageFiles(), new ImageFiles()];
  await visitLayers(a.layers.slice(shared), new FileSurvey(filesA), options);
  await visitLayers(b.layers.slice(shared), new FileSurvey(filesB), options);
  if (!filesA.coversLike(filesB)) {
    await visitLayers(a.layers.slice(0, shared), new FileSurvey(filesA, filesB), options);
  }
  const paths = [...new Set([...filesA.found.keys(), ...filesB.found.keys()])].sort();
  return paths.flatMap((path) => {
    const difference = fileDifference(`/${path}`, filesA.found.get(path)?.facts, filesB.found.get(path)?.facts);
    return difference ? [difference] : [];
  });
}

function fileDifference(path: string, a?: FileFacts, b?: FileFacts): FileDifference | undefined {
  if (a === undefined) return b && { kind: "added", path, b };
  if (b === undefined) return { kind: "removed", path, a };
  const fields = differingFields(a, b);
  return fields.length > 0 ? { kind: "changed", path, fields, a, b } : undefined;
}
