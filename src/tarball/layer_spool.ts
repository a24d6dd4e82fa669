import { ValidationError } from "../errors.ts";
import { type Image, type Layer, layerFromUncompressed, spoolLayer } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";

/** A layer that can be read, and whose digest and size are known. */
export interface ReadyLayer {
  /** The layer. */
  readonly layer: Layer;
  /** What is known of its bytes. */
  readonly descriptor: Descriptor;
}

/** How many layers are made ready at the same time. */
const CONCURRENCY = 2;

/** Layers of which something is not known before they are read, kept in temporary files so that it is done once. */
export class LayerSpool {
  readonly #disposals: (() => Promise<void>)[] = [];
  /** By digest, or by what opens them: views of one layer have that in common, whatever else is said of it. */
  readonly #spooled = new Map<Layer["compressed"] | Hash, Promise<Layer>>();

  /** The layers of an image with their digests. Those without one are read, compressed and kept for that. */
  async layersOf(image: Image, { signal }: AbortOptions): Promise<readonly ReadyLayer[]> {
    const pool = { concurrency: CONCURRENCY, signal };
    return await mapConcurrent(await image.layers({ signal }), pool, async (layer, signal) => {
      const ready = await this.#spool(layer.compressed, layer, signal);
      return { layer: ready, descriptor: await ready.descriptor({ signal }) };
    });
  }

  /**
   * The layers of an image as uncompressed tars, whose size is not known before they are read; their digests are their
   * diff ids. A layer that several images have is read once.
   *
   * @throws {ValidationError} when the config does not have the diff id of each layer.
   */
  async tarsOf(image: Image, { signal }: AbortOptions): Promise<readonly ReadyLayer[]> {
    const layers = await image.layers({ signal });
    // A config says nothing of layers that stream before they were read.
    const readable = layers.some(({ streaming }) => streaming)
      ? (await this.layersOf(image, { signal })).map(({ layer }) => layer)
      : layers;
    const diffIds = await diffIdsOf(image, layers.length, { signal });
    const pool = { concurrency: CONCURRENCY, signal };
    return await mapConcurrent(readable.entries(), pool, async ([index, layer], signal) => {
      const tar = layerFromUncompressed({
        uncompressed: (options) => layer.uncompressed(options),
        compression: "none",
      });
      const key = layer.digestKnown() ? await layer.digest({ signal }) : layer.uncompressed;
      const ready = await this.#spool(key, tar, signal);
      const descriptor = await ready.descriptor({ signal });
      if (descriptor.digest === diffIds[index]) return { layer: ready, descriptor };
      throw new ValidationError(
        `layer ${index} has the diff id ${descriptor.digest}, but the config of its image says ${diffIds[index]}`,
      );
    });
  }

  /** Removes the temporary files. */
  async dispose(): Promise<void> {
    await Promise.all(this.#disposals.splice(0).map((dispose) => dispose()));
  }

  #spool(key: Layer["compressed"] | Hash, layer: Layer, signal: AbortSignal): Promise<Layer> {
    const known = this.#spooled.get(key);
    if (known) return known;
    const spooled = spoolLayer(layer, { signal }).then(({ layer, dispose }) => {
      this.#disposals.push(dispose);
      return layer;
    });
    this.#spooled.set(key, spooled);
    return spooled;
  }
}

async function diffIdsOf(image: Image, layers: number, options: AbortOptions): Promise<readonly Hash[]> {
  const { diff_ids } = (await image.configFile(options)).rootfs;
  if (diff_ids.length === layers) return diff_ids;
  throw new ValidationError(`the image has ${layers} layers, but its config has ${diff_ids.length} diff ids`, {
    hint: "the image is damaged, or no image to run",
  });
}
