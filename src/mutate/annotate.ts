import type { Image } from "../image/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { changeImage } from "./change_image.ts";

/** An image with annotations in its manifest added, replaced or, with `null`, taken away; the others stay. */
export function annotate(base: Image, annotations: Readonly<Record<string, string | null>>): Image {
  return changeImage(base, { annotations });
}

/** What is said of the image that another is based on. */
export interface BaseName {
  /**
   * A name that may point at something newer one day: a reference by tag.
   * @default none; a name that was there, of another base, goes
   */
  readonly name?: string;
  /** The digest of the base, or of the index that it was chosen from. */
  readonly digest: Hash;
}

/** An image that says what it is based on (image-spec, "Pre-Defined Annotation Keys"). */
export function annotateBase(image: Image, base: BaseName): Image {
  return annotate(image, baseAnnotations(base));
}

/** The changes of the annotations that say what an image is based on. */
export function baseAnnotations({ name, digest }: BaseName): Record<string, string | null> {
  return {
    "org.opencontainers.image.base.digest": digest,
    "org.opencontainers.image.base.name": name ?? null,
  };
}
