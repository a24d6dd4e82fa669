import { ValidationError } from "../errors.ts";
import { knownDigest } from "../image/internal.ts";
import type { Image } from "../image/mod.ts";
import { type ConfigFile, configPlatform, type Hash, type History } from "../spec/mod.ts";
import { baseAnnotations } from "./annotate.ts";
import { platformFields } from "./change_image.ts";
import { editImage } from "./edit_image.ts";
import { withFields } from "./fields.ts";
import { checkLayerCount } from "./diff_ids.ts";
import { changedExtras } from "./manifest_extras.ts";

/** Options of {@linkcode rebaseImage}. */
export interface RebaseImageOptions {
  /** The image that the original was built on. */
  oldBase: Image;
  /** The image to put it on instead. */
  newBase: Image;
  /**
   * What to call the new base in the annotations: a reference by tag, which may point at something newer one day.
   * @default no name; that of the old base goes
   */
  name?: string;
  /**
   * The digest of the new base to name in the annotations: that of the index that it was chosen from, for example.
   * @default the image's own
   */
  digest?: Hash;
}

/**
 * An image put on another base: the new base's layers in the places of the old one's, and those of the original on top.
 *
 * How it is run, its labels and its annotations are the original's; the platform is the new base's; the history is the
 * new base's, followed by what was done on top of the old one. The annotations `org.opencontainers.image.base.*` say
 * what it is based on now. Only manifests and configs are read.
 *
 * Reading it fails with a {@linkcode ValidationError} when the original does not begin with the old base's layers, or
 * when an image's layers disagree with its config.
 */
export function rebaseImage(original: Image, options: RebaseImageOptions): Image {
  const { oldBase, newBase, name } = options;
  return editImage(original, {
    async layers(layers) {
      const shared = await sharedLayers(original, oldBase);
      await countedConfig(newBase, "the new base");
      return [...await newBase.layers(), ...layers.slice(shared)];
    },
    async configFile(config) {
      const [own, lower, other] = await Promise.all([original, oldBase, newBase].map((image) => image.configFile()));
      return withFields<ConfigFile>(config, {
        ...platformFields(configPlatform(other)),
        history: rebasedHistory({ original: own, oldBase: lower, newBase: other }),
      });
    },
    async manifest(extras) {
      const digest = options.digest ?? await newBase.digest();
      return changedExtras(extras, { annotations: baseAnnotations({ name, digest }) });
    },
  });
}

/** How many layers an image has of its base. */
async function sharedLayers(original: Image, oldBase: Image): Promise<number> {
  const own = (await countedConfig(original, "the image")).rootfs.diff_ids;
  const base = (await countedConfig(oldBase, "the old base")).rootfs.diff_ids;
  const wrong = base.findIndex((diffId, i) => diffId !== own[i]);
  if (wrong < 0) return base.length;
  const difference = wrong === own.length
    ? `it has ${own.length} layers, and the base ${base.length}`
    : `its layer ${wrong + 1} has the diff id ${own[wrong]} where the base has ${base[wrong]}`;
  throw new ValidationError(`${await nameOf(original)} is not based on ${await nameOf(oldBase)}: ${difference}`, {
    hint: "name the base that it was built on, by digest if the tag has moved",
  });
}

/** The config of an image that has as many diff ids as there are layers. */
async function countedConfig(image: Image, what: string): Promise<ConfigFile> {
  const config = await image.configFile();
  await checkLayerCount(config, await image.layers(), `the config of ${what}`);
  return config;
}

async function nameOf(image: Image): Promise<string> {
  const digest = await knownDigest(image);
  return digest === undefined ? "an image without a digest yet" : `image ${digest}`;
}

/** The history of the new base and of what the original has on top; none where neither has one. */
function rebasedHistory(
  configs: { original: ConfigFile; oldBase: ConfigFile; newBase: ConfigFile },
): readonly History[] | undefined {
  const { original, oldBase, newBase } = configs;
  if (!original.history?.length && !newBase.history?.length) return undefined;
  const above = stepsAbove(wholeHistory(original, "the image"), wholeHistory(oldBase, "the old base"));
  return [...wholeHistory(newBase, "the new base"), ...above];
}

/**
 * Completes the history of an image to a step for each of its layers: missing steps are added, empty, at its
 * end.
 *
 * @param what the name of the image in the error
 * @throws {ValidationError} when it has steps for more layers than there are.
 */
function wholeHistory({ history, rootfs }: ConfigFile, what: string): readonly History[] {
  const steps = history ?? [];
  const missing = rootfs.diff_ids.length - layersIn(steps);
  if (missing >= 0) return [...steps, ...Array.from({ length: missing }, () => ({}))];
  throw new ValidationError(
    `the history of ${what} has ${layersIn(steps)} layers where the image has ${rootfs.diff_ids.length}`,
  );
}

/** Returns the steps of a complete history after those of a base. */
function stepsAbove(history: readonly History[], base: readonly History[]): readonly History[] {
  const layers = layersIn(base);
  // The base's steps without a layer count too.
  if (layersIn(history.slice(0, base.length)) === layers) return history.slice(base.length);
  let end = 0;
  for (let seen = 0; seen < layers; end++) if (!history[end].empty_layer) seen++;
  return history.slice(end);
}

function layersIn(history: readonly History[]): number {
  return history.filter((step) => !step.empty_layer).length;
}
