import {
  emptyIndex,
  type Image,
  imageFromUncompressed,
  type ImageIndex,
  type Layer,
  layerFromBytes,
  layerFromUncompressed,
  staticLayer,
  streamLayer,
} from "../../src/image/mod.ts";
import { lazy, streamOf } from "../../src/io/mod.ts";
import { appendManifests } from "../../src/mutate/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { utf8 } from "./bytes.ts";

/** Numbers that follow from a seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number below `count`. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  }

  /** One of several. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** A graph of images and indexes that share layers; every content is counted. */
export interface RandomGraph {
  /** What to transfer. */
  readonly roots: readonly { readonly view: Image | ImageIndex; readonly names: readonly string[] }[];
  /** How often each layer was opened. */
  readonly opened: ReadonlyMap<Layer, { opened: number }>;
  /** Whether a layer can be read only once. */
  readonly hasStream: boolean;
}

/** Makes a graph of at most nine images in two levels of indexes. */
export async function randomGraph(dice: Dice, options: { streams?: boolean } = {}): Promise<RandomGraph> {
  const opened = new Map<Layer, { opened: number }>();
  let hasStream = false;
  const layers: Layer[] = [];
  for (let i = 0; i < 1 + dice.below(5); i++) {
    const kind = dice.below(options.streams ? 4 : 3);
    const bytes = utf8(`layer ${i} ${dice.below(1000)}`.padEnd(1024, "."));
    const counts = { opened: 0 };
    const open = () => {
      counts.opened++;
      return Promise.resolve(streamOf(bytes));
    };
    const layer = kind === 0
      ? await layerFromBytes(bytes)
      : kind === 1
      ? await staticLayer(bytes, "application/vnd.oci.image.layer.v1.tar")
      : kind === 2
      ? layerFromUncompressed({ uncompressed: open, compression: "none" })
      : streamLayer(streamOf(bytes), { compression: "none" });
    if (kind === 3) hasStream = true;
    opened.set(layer, counts);
    layers.push(layer);
  }
  const images = Array.from({ length: 1 + dice.below(4) }, (_, i) => {
    const chosen = Array.from({ length: dice.below(4) }, () => dice.pick(layers));
    return imageOf(chosen, `${i} ${dice.below(3)}`);
  });
  const inner = appendManifests(emptyIndex(), pickSome(dice, images));
  const outer = appendManifests(emptyIndex(), [...pickSome(dice, images), ...(dice.below(2) ? [inner] : [])]);
  const views: (Image | ImageIndex)[] = [...images, inner, outer];
  const roots = Array.from({ length: 1 + dice.below(3) }, () => ({
    view: dice.pick(views),
    names: Array.from({ length: dice.below(3) }, () => `tag${dice.below(6)}`),
  }));
  return { roots, opened, hasStream };
}

function pickSome<T>(dice: Dice, items: readonly T[]): T[] {
  return Array.from({ length: 1 + dice.below(3) }, () => dice.pick(items));
}

function imageOf(layers: readonly Layer[], comment: string): Image {
  const rawConfigFile = lazy(async () => {
    const diffIds = [];
    for (const layer of layers) diffIds.push(await layer.diffId());
    return jsonBytes({
      architecture: "amd64",
      os: "linux",
      config: { Labels: { comment } },
      rootfs: { type: "layers", diff_ids: diffIds },
    });
  });
  return imageFromUncompressed({ rawConfigFile, layers: () => Promise.resolve(layers) });
}
