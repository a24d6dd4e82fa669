import type { Image } from "../image/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { changeImage } from "./change_image.ts";

/** Adds, replaces or, with `null`, removes annotations of an image's manifest; the others stay. */
export function annotate(base: Image, annotations: Readonly<Record<string, string | null>>): Image {
  return changeImage(base, { annotations });
}

/** The name of the image that another is based on. */
export interface BaseName {
  /**
   * A name that may move to a newer image: a reference by tag.
   * @default none; the name of another base is removed
   */
  readonly name?: string;
  /** The digest of the base, or of the index that it was chosen from. */
  readonly digest: Hash;
}

/** Annotates an image with its base (image-spec, "Pre-Defined Annotation Keys"). */
export function annotateBase(image: Image, base: BaseName): Image {
  return annotate(image, baseAnnotations(base));
}

/** Returns the changes of the annotations that name an image's base. */
export function baseAnnotations({ name, digest }: BaseName): Record<string, string | null> {
  return {
    "org.opencontainers.image.base.digest": digest,
    "org.opencontainers.image.base.name": name ?? null,
  };
}
