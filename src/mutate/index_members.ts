import { NotFoundError } from "../errors.ts";
import { manifestView } from "../image/internal.ts";
import {
  type Image,
  imageFromCompressed,
  type ImageIndex,
  type IndexChild,
  indexFrom,
  layerFromCompressed,
  type Matcher,
} from "../image/mod.ts";
import { isOtherManifest } from "../spec/internal.ts";
import { type Descriptor, manifestKind, parsePlatform, type Platform } from "../spec/mod.ts";
import { editIndex, type IndexMember } from "./edit_index.ts";
import { withFields } from "./fields.ts";
import { changedExtras, type ManifestChanges } from "./manifest_extras.ts";
import { artifactTypeOf, platformOf } from "./member_descriptor.ts";

/** A member to add to an index, and its descriptor. */
export interface ManifestAddition {
  /** An image, an index, another manifest, a blob; or a descriptor of content that the index's destination has. */
  readonly member: IndexChild["view"] | Descriptor;
  /**
   * The platform; `null` for none.
   * @default that of the index that it comes from, else that of the image's config
   */
  readonly platform?: Platform | string | null;
  /**
   * Metadata for its descriptor.
   * @default those of the index that it comes from
   */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Where else it may be downloaded from.
   * @default those of the index that it comes from
   */
  readonly urls?: readonly string[];
  /**
   * Whether it is left out where the index has a member with the same descriptor.
   * @default false
   */
  readonly distinct?: boolean;
}

/** Appends members to an index. Their manifests and configs are read when the index is. */
export function appendManifests(
  base: ImageIndex,
  additions: readonly (IndexChild["view"] | Descriptor | ManifestAddition)[],
): ImageIndex {
  if (additions.length === 0) return base;
  const added = additions.map((item) => memberOf("member" in item ? item : { member: item }));
  return editIndex(base, { members: (members) => [...members, ...added] });
}

/** Removes an index's own members that match; those of nested indexes stay. */
export function removeManifests(base: ImageIndex, matcher: Matcher): ImageIndex {
  return editIndex(base, { members: (members) => members.filter(({ descriptor }) => !matcher(descriptor)) });
}

/** The changes of {@linkcode changeIndex}. Absent fields stay, and `null` removes. */
export interface IndexChanges extends ManifestChanges {
  /**
   * The media type of the index. Its members keep theirs.
   * @default it stays
   */
  readonly mediaType?: string;
}

/**
 * Changes annotations, subject, artifact type or media type of an index. Its members stay.
 *
 * @throws {TypeError} when the media type is not one of an index.
 */
export function changeIndex(base: ImageIndex, changes: IndexChanges): ImageIndex {
  const { mediaType, ...extras } = changes;
  if (Object.values(changes).every((value) => value === undefined)) return base;
  return editIndex(base, { mediaType, manifest: (before) => changedExtras(before, extras) });
}

function memberOf(addition: ManifestAddition): IndexMember {
  const { member, platform: wanted, annotations, urls, distinct } = addition;
  const platform = typeof wanted === "string" ? parsePlatform(wanted) : wanted;
  if (!("kind" in member)) {
    return { view: promised(member), descriptor: withFields(member, { platform, annotations, urls }), distinct };
  }
  const descriptor = async () => {
    const own = await member.descriptor();
    if (member.kind === "manifest") return withFields(own, { platform, annotations, urls });
    if (member.kind !== "layer") return withFields(await described(member, own, platform), { annotations, urls });
    if (manifestKind(own.mediaType) === "other") return withFields(own, { platform, annotations, urls });
    throw new TypeError(`a blob of type ${own.mediaType} must be put into an index as an image or an index`);
  };
  return { view: member, descriptor, distinct };
}

async function described(
  view: Image | ImageIndex,
  own: Descriptor,
  platform: Platform | null | undefined,
): Promise<Descriptor> {
  const inferred = platform === undefined && own.platform === undefined && view.kind === "image";
  return withFields(own, {
    platform: inferred ? await platformOf(view) : platform,
    artifactType: own.artifactType ?? await artifactTypeOf(view),
  });
}

/** Makes a view of content that is known by its descriptor alone: enough for a registry that has it. */
function promised(descriptor: Descriptor): IndexMember["view"] {
  const { mediaType, digest } = descriptor;
  const absence = () =>
    new NotFoundError(`${digest} is in the index by its descriptor alone, and its content is not at hand`, {
      hint: "push the index to a repository that holds it, or append the image itself",
    });
  const absent = () => Promise.reject(absence());
  const nothing = () => {
    throw absence();
  };
  switch (manifestKind(mediaType)) {
    case "image":
      return imageFromCompressed({ descriptor, mediaType, rawManifest: absent, blob: nothing });
    case "index":
      return indexFrom({ descriptor, mediaType, rawManifest: absent, image: nothing, index: nothing, blob: nothing });
    case "other":
      return isOtherManifest(mediaType)
        ? { kind: "manifest", ...manifestView({ descriptor, mediaType, rawManifest: absent }, digest), blobs: absent }
        : layerFromCompressed({ descriptor, compressed: absent });
  }
}
