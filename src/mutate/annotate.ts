import { type Image, imageFromUncompressed } from "../image/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { overBase } from "./over_base.ts";

/** An image with further annotations in its manifest; those that it has stay, unless they have the same key. */
export function annotate(base: Image, annotations: Readonly<Record<string, string>>): Image {
  return imageFromUncompressed({
    rawConfigFile: (options) => base.rawConfigFile(options),
    layers: (options) => base.layers(options),
    mediaType: (options) => base.mediaType(options),
    configMediaType: async (options) => (await base.manifest(options)).config.mediaType,
    finish: async (drafted, options) => {
      const manifest = await overBase(base, drafted, options);
      return { ...manifest, annotations: { ...manifest.annotations, ...annotations } };
    },
    what: "the annotated image",
  });
}

/**
 * An image that says what it is based on (image-spec, "Pre-Defined Annotation Keys"): by digest, and by name where there
 * is a tag that may point at something newer one day.
 */
export function annotateBase(image: Image, base: { readonly name?: string; readonly digest: Hash }): Image {
  return annotate(image, {
    "org.opencontainers.image.base.digest": base.digest,
    ...(base.name === undefined ? {} : { "org.opencontainers.image.base.name": base.name }),
  });
}
