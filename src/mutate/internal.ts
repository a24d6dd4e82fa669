// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { type LayerReading, readLayers } from "./read_layers.ts";
export { Cover } from "./cover.ts";
export { type Mark, markOf } from "./marks.ts";
export { windowsLayer } from "./windows_layer.ts";
export { holdsZstd, ociForZstd, ociIndex } from "./oci_for_zstd.ts";
