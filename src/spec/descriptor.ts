import type { Hash } from "./hash.ts";
import type { Platform } from "./platform.ts";

/** A reference to content by media type, digest and size (image-spec, "OCI Content Descriptors"). */
export interface Descriptor {
  /** The media type of the content. */
  readonly mediaType: string;
  /** The digest of the content's bytes. */
  readonly digest: Hash;
  /** The number of the content's bytes. */
  readonly size: number;
  /** Further download locations of the content. */
  readonly urls?: readonly string[];
  /** Arbitrary metadata. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself in base64. */
  readonly data?: string;
  /** The platform of the content; only in an index. */
  readonly platform?: Platform;
  /** The artifact type of the content. */
  readonly artifactType?: string;
}
