// Layers that are not compressed yet, which count how often they are.
import {
  emptyImage,
  emptyIndex,
  type Image,
  type ImageIndex,
  type Layer,
  layerFromUncompressed,
} from "../../src/image/mod.ts";
import { appendLayers, appendManifests, changeIndex } from "../../src/mutate/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { tarOf } from "./memory_source.ts";

/** A layer, and how often its tar was opened: to compress it or to hash it. */
export interface CountedLayer {
  readonly layer: Layer;
  opened: number;
}

/** A layer with one file of this name. */
export async function countedLayer(name: string): Promise<CountedLayer> {
  const tar = await tarOf({ [name]: name.repeat(50_000) });
  const counted: CountedLayer = {
    layer: layerFromUncompressed({
      uncompressed: () => {
        counted.opened++;
        return Promise.resolve(streamOf(tar));
      },
    }),
    opened: 0,
  };
  return counted;
}

/** An index of images that share a layer, with an index in it, edited; nothing of it has a digest yet. */
export async function unbuiltIndex(): Promise<{ index: ImageIndex; images: Image[]; counted: CountedLayer[] }> {
  const counted = await Promise.all(["shared", "one", "two", "three"].map(countedLayer));
  const [shared, ...own] = counted.map(({ layer }) => layer);
  const images = own.map((layer, i) =>
    appendLayers(emptyImage({ platform: { os: "linux", architecture: ["amd64", "arm64", "s390x"][i] } }), [
      shared,
      layer,
    ])
  );
  const inner = appendManifests(emptyIndex(), [images[2]]);
  const index = appendManifests(emptyIndex(), [images[0], images[1], inner, images[0]]);
  return { index: changeIndex(index, { annotations: { made: "late" } }), images, counted };
}
