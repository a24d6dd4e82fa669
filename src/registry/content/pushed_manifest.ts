import { ManifestError } from "../../errors.ts";
import { successors } from "../../graph/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { isDescriptor, manifestFields } from "../../spec/internal.ts";
import { type Descriptor, type Hash, isDistributable, manifestMediaType } from "../../spec/mod.ts";

/** The facts of a manifest that is being pushed. */
export interface PushedManifest {
  /** The media type to serve it as. */
  readonly mediaType: string;
  /** The config of an image. */
  readonly config?: Descriptor;
  /** The digests of the blobs that its repository must have, each once. */
  readonly blobs: readonly Hash[];
  /** The digests of the members of an index, which its repository must have, each once. */
  readonly members: readonly Hash[];
  /** The manifest that it refers to; it need not be there. */
  readonly subject?: Hash;
  /** The sum of the sizes in its descriptors. */
  readonly imageSize: number;
}

/** The members that a referrer's own manifest gives its descriptor. */
export type ReferrerFacts = Pick<Descriptor, "artifactType" | "annotations">;

/** The form of a media type that manifests may have: none that breaks a header, or that a browser would run. */
const MEDIA_TYPE = /^application\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/i;

/**
 * Reads a manifest that is being pushed. One of an unknown type only has to be a JSON object. The layers of
 * schema 1 are not looked for.
 *
 * @param contentType the request's `Content-Type` without parameters, or `undefined`
 * @throws {ManifestError} if it is not of its type, or could be read both as an image and as an index.
 */
export function readPushedManifest(bytes: Bytes, contentType: string | undefined): PushedManifest {
  const value = manifestFields(bytes, "the manifest");
  const declared = typeof value.mediaType === "string" && value.mediaType !== "" ? value.mediaType : undefined;
  if (declared && contentType && declared.toLowerCase() !== contentType.toLowerCase()) {
    throw new ManifestError(`the manifest's mediaType is ${declared}, its Content-Type ${contentType}`);
  }
  const mediaType = declared ?? contentType ?? manifestMediaType(bytes, "the manifest");
  if (!MEDIA_TYPE.test(mediaType)) {
    throw new ManifestError(
      `the manifest's media type ${JSON.stringify(mediaType.slice(0, 200))} is not application/…`,
    );
  }
  const known = mediaType.toLowerCase(); // media types are compared without regard to case (RFC 6838, section 4.2)
  const { kind, config, blobs, members, subject } = successors(bytes, known, "the manifest");
  // Clients compare the type of the response with the one in the manifest, and with the known ones, letter by letter.
  const common = { mediaType: declared || kind === "unknown" ? mediaType : known, subject: subject?.digest };
  if (kind === "unknown" || kind === "schema1") return { ...common, blobs: [], members: [], imageSize: 0 };
  // The former artifact manifests of OCI have no schemaVersion.
  if (kind !== "artifact" && value.schemaVersion !== 2) {
    throw new ManifestError("the manifest's schemaVersion is not 2");
  }
  if (kind === "index" && (value.layers || value.config)) {
    throw new ManifestError("the index has layers or a config, like an image");
  }
  if (kind === "image" && value.manifests) throw new ManifestError("the image manifest has manifests, like an index");
  const parts = [...config ? [config] : [], ...blobs];
  return {
    ...common,
    config,
    blobs: digestsOf(parts.filter((part) => isDistributable(part.mediaType?.toLowerCase()))),
    members: digestsOf(members),
    imageSize: [...parts, ...members].reduce((sum, { size = 0 }) => sum + size, 0),
  };
}

/** Reads the members that the list of referrers gives a manifest's descriptor (distribution-spec, "Listing Referrers"). */
export function referrerFacts(bytes: Bytes): ReferrerFacts {
  const value = manifestFields(bytes, "the manifest");
  const config = isDescriptor(value.config) ? value.config.mediaType : undefined;
  const artifactType = typeof value.artifactType === "string" && value.artifactType !== ""
    ? value.artifactType
    : config;
  const annotations = typeof value.annotations === "object" ? stringsOf(value.annotations) : undefined;
  return { ...(artifactType && { artifactType }), ...(annotations && { annotations }) };
}

/** Returns the members that are strings, as all should be: other values could be of any depth. */
function stringsOf(value: object | null): Record<string, string> | undefined {
  const strings = Object.entries(value ?? {}).filter((entry): entry is [string, string] =>
    typeof entry[1] === "string"
  );
  return strings.length > 0 ? Object.fromEntries(strings) : undefined;
}

function digestsOf(descriptors: readonly { readonly digest: Hash }[]): Hash[] {
  return [...new Set(descriptors.map(({ digest }) => digest))];
}
