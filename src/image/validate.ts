import type { AbortOptions } from "../io/mod.ts";
import { checkView } from "./check_view.ts";
import { hashAlgorithm, isLayer } from "../spec/mod.ts";
import { BlobExaminer, contentProblems, descriptorProblems } from "./examine_blob.ts";
import { examineImage, examineIndex, type ExamineOptions, Tallies } from "./examine_manifest.ts";
import { readLayerContent } from "./layer_content.ts";
import { attempt, throwIfAny } from "./problem.ts";
import type { Image, ImageIndex, Layer } from "./view.ts";

/** Options of {@linkcode validateImage}, {@linkcode validateIndex} and {@linkcode validateLayer}. */
export interface ValidateOptions extends AbortOptions {
  /**
   * Leaves the contents of layers and other blobs unread: only manifests and configs are checked.
   * @default false
   */
  fast?: boolean;
  /**
   * How many layers are read at the same time.
   * @default 4
   */
  concurrency?: number;
}

const DEFAULT_CONCURRENCY = 4;

/**
 * Checks a layer: digest and size of its stored bytes, diff id of its content, and that the tar in
 * it can be read to its end and names nothing twice. A streaming layer can't be checked before it was read.
 *
 * @throws {ValidationError} whose message lists all that is wrong.
 */
export async function validateLayer(layer: Layer, options: ValidateOptions = {}): Promise<void> {
  checkView(layer, "layer");
  const { fast = false, signal } = options;
  const what = "the layer";
  const says = async () => ({ descriptor: await layer.descriptor({ signal }), diffId: await layer.diffId({ signal }) });
  const problems = await attempt(what, signal, async () => {
    if (fast) return await descriptorProblems(what, layer, { descriptor: await layer.descriptor({ signal }), signal });
    // A layer that is compressed while it is read knows its digests afterwards; asking now would compress it twice.
    const before = layer.digestKnown() || layer.content.once ? await says() : undefined;
    const content = await readLayerContent(layer, {
      what,
      tar: isLayer(await layer.mediaType({ signal })),
      storedAlgorithm: before && hashAlgorithm(before.descriptor.digest),
      contentAlgorithm: before && hashAlgorithm(before.diffId),
      signal,
    });
    return contentProblems(what, content, before ?? await says());
  });
  throwIfAny(problems);
}

/**
 * Checks that the parts of an image agree: the manifest's bytes with digest, size and media type; the config's with its
 * descriptor; the number of layers with that of diff ids; and of each layer, stored bytes with digest and size, content
 * with its diff id and with the tar format. Each layer is read once, some of them at the same time. Of an artifact,
 * which has a config of another type, the blobs are checked.
 *
 * @throws {ValidationError} whose message lists all that is wrong.
 */
export async function validateImage(image: Image, options: ValidateOptions = {}): Promise<void> {
  checkView(image, "image");
  throwIfAny(await examineImage(image, examineOptions(options)));
}

/**
 * Checks an index: its bytes with digest, size and media type, each member with its descriptor, the platform
 * included, and each member by itself as {@linkcode validateImage} does, nested indexes too. What several members share
 * is read once. Of an index with more than 100,000 members, nested ones included, only the index itself is read.
 *
 * @throws {ValidationError} whose message lists all that is wrong.
 */
export async function validateIndex(index: ImageIndex, options: ValidateOptions = {}): Promise<void> {
  checkView(index, "index");
  throwIfAny(await examineIndex(index, examineOptions(options)));
}

function examineOptions(options: ValidateOptions): ExamineOptions {
  const { fast = false, concurrency = DEFAULT_CONCURRENCY, signal } = options;
  const blobs = fast ? undefined : new BlobExaminer(concurrency);
  return { where: "", concurrency, tallies: new Tallies(), blobs, signal };
}
