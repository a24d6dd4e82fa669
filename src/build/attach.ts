import { type Image, imageFromUncompressed, staticLayer } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { MediaType } from "../spec/mod.ts";

/** A document to attach to an image. */
export interface Attachment {
  /** Its media type, which is also the type of the artifact. */
  readonly mediaType: string;
  /** The document. */
  readonly bytes: Bytes;
  /** What is annotated on the artifact. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Makes an artifact with a document, whose subject is an image (image-spec, "Guidelines for Artifact Usage"): a
 * registry lists it among the image's referrers.
 */
export async function attachmentOf(
  image: Image,
  { mediaType, bytes, annotations }: Attachment,
  options: AbortOptions = {},
): Promise<Image> {
  const layer = await staticLayer(bytes, mediaType);
  const { mediaType: subjectType, digest, size } = await image.descriptor(options);
  return imageFromUncompressed({
    rawConfigFile: () => Promise.resolve(new TextEncoder().encode("{}")),
    layers: () => Promise.resolve([layer]),
    mediaType: MediaType.OciManifest,
    configMediaType: () => Promise.resolve("application/vnd.oci.empty.v1+json"),
    finish: (manifest) => ({
      ...manifest,
      artifactType: mediaType,
      subject: { mediaType: subjectType, digest, size },
      ...annotations && { annotations },
    }),
    what: `the artifact of type ${mediaType}`,
  });
}
