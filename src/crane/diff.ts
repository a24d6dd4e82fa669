import { compareImages, type Difference, type Image, type Layer } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type Descriptor, type Hash, isConfig } from "../spec/mod.ts";
import { differingFields, type FileFacts, type FileField } from "./file_facts.ts";
import { FileSurvey, ImageFiles } from "./file_survey.ts";
import { commandsOf } from "./layer_commands.ts";
import { visitLayers } from "./visit_layers.ts";

/** A layer that one of two images has where the other has not. */
export interface LayerDifference {
  /** `removed` if the first image has it, `added` if the second has. */
  readonly kind: "added" | "removed";
  /** Its position there; the bottom layer is 0. */
  readonly position: number;
  /** The digest of its bytes as they are stored. */
  readonly digest: Hash;
  /** The number of its bytes as they are stored. */
  readonly size: number;
  /** By which command it was made, as the config's history tells; missing where it does not. */
  readonly createdBy?: string;
}

/** A path that two images do not have alike. */
export type FileDifference =
  | { readonly kind: "added"; readonly path: string; readonly b: FileFacts }
  | { readonly kind: "removed"; readonly path: string; readonly a: FileFacts }
  | {
    readonly kind: "changed";
    /** The absolute path, as of the others. */
    readonly path: string;
    /** In what they differ. */
    readonly fields: readonly FileField[];
    readonly a: FileFacts;
    readonly b: FileFacts;
  };

/** In what two images differ. */
export interface ImageDiff {
  /** Whether they are the same image: whether there is nothing below. */
  readonly equal: boolean;
  /** Media type, digest and size of the manifests, and their fields but for the layers. */
  readonly manifest: readonly Difference[];
  /** The fields of the configs. */
  readonly config: readonly Difference[];
  /** The layers, apart from those at the bottom and at the top that both have. */
  readonly layers: readonly LayerDifference[];
  /** The files, sorted by path. */
  readonly files: readonly FileDifference[];
}

/**
 * In what two images differ: manifest, config, layers, and files as they show once the layers are laid over one
 * another: type, mode, owner, size, content, link, device, extended attributes; not the time. A hard link is compared as
 * the file that it names.
 *
 * No layer is read where the stacks are the same. The layers at the bottom that both have are read once, and only if
 * those above leave open what of them shows. Memory is taken for the names that differ and those in the layers above.
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

/** How many layers at the bottom two images share. */
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
