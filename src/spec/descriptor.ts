import type { Hash } from "./hash.ts";
import type { Platform } from "./platform.ts";

/** What points at content: its type, digest and size (image-spec, "OCI Content Descriptors"). */
export interface Descriptor {
  /** The media type of the content. */
  readonly mediaType: string;
  /** The digest of the content's bytes. */
  readonly digest: Hash;
  /** The number of the content's bytes. */
  readonly size: number;
  /** Where else the content may be downloaded from. */
  readonly urls?: readonly string[];
  /** Arbitrary metadata. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself in base64. */
  readonly data?: string;
  /** The platform that the content is for; in an index only. */
  readonly platform?: Platform;
  /** The type of the artifact that the content is. */
  readonly artifactType?: string;
}
