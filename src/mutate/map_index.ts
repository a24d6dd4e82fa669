import { LimitError } from "../errors.ts";
import { checkView } from "../image/internal.ts";
import type { Image, ImageIndex, IndexChild, Matcher } from "../image/mod.ts";
import { lazy, mapConcurrent } from "../io/mod.ts";
import type { Descriptor, Hash } from "../spec/mod.ts";
import { editIndex, type IndexMember } from "./edit_index.ts";
import { sameJson, withFields } from "./fields.ts";
import { artifactTypeOf, platformOf } from "./member_descriptor.ts";

/** Options of {@linkcode mapIndex}. */
export interface MapIndexOptions {
  /**
   * Which images are edited; the others stay.
   * @default all but attestations, which are for the platform "unknown/unknown"
   */
  images?: Matcher;
  /**
   * An edit of each index itself, after that of its members: of this one and of those inside it.
   * @default none
   */
  indexes?: (index: ImageIndex) => ImageIndex;
}

/**
 * An edit of one image. It is called when the new index is read, and once for each image; it may do work of its own
 * before it gives the edited image, such as to upload a layer that it made, so that it is not made twice.
 */
export type MapImage = (image: Image, descriptor: Descriptor) => Image | Promise<Image>;

/** The annotation by which BuildKit's attestations name the image that they are about. */
const REFERENCE_DIGEST = "vnd.docker.reference.digest";

/** How many images are edited at the same time. */
const CONCURRENCY = 4;
/** How deep indexes in indexes are followed; real ones have two levels. */
const MAX_DEPTH = 16;

/** Matches BuildKit's attestations, which describe how an image was built and its content, and are no images to run. */
export function matchAttestations({ platform }: Descriptor): boolean {
  return platform?.os === "unknown" && platform.architecture === "unknown";
}

/**
 * Applies an edit to every image of an index, those of nested indexes too. An image's descriptor stays,
 * except for digest, size, type and, where the edit changed it, the platform.
 *
 * An attestation still belongs to its image: the annotation that names it is updated. Its content, which is about the
 * image before the edit, does not change; {@linkcode matchAttestations} finds attestations, to remove
 * them.
 */
export function mapIndex(base: ImageIndex, edit: MapImage, options: MapIndexOptions = {}): ImageIndex {
  checkView(base, "index");
  const { images = (descriptor) => !matchAttestations(descriptor), indexes = (index) => index } = options;
  return mapLevel(base, { edit, images, indexes, depth: 0 });
}

interface Mapping extends Required<MapIndexOptions> {
  readonly edit: MapImage;
  readonly depth: number;
}

function mapLevel(base: ImageIndex, mapping: Mapping): ImageIndex {
  const members = async (children: readonly IndexChild[]) => {
    if (mapping.depth > MAX_DEPTH) throw new LimitError(`indexes are nested more than ${MAX_DEPTH} deep`);
    const mapped = await mapConcurrent(children, { concurrency: CONCURRENCY }, (child) => mapMember(child, mapping));
    const byDigest = new Map(children.map(({ descriptor }, i) => [descriptor.digest, mapped[i]]));
    return mapped.map((member) => withReference(member, byDigest));
  };
  return mapping.indexes(editIndex(base, { members }));
}

/** A member after the edit; its descriptor is requested once. */
interface MappedMember extends IndexMember {
  readonly descriptor: () => Promise<Descriptor>;
}

async function mapMember({ descriptor, view }: IndexChild, mapping: Mapping): Promise<MappedMember> {
  if (view.kind === "image" && mapping.images(descriptor)) {
    const edited = await mapping.edit(view, descriptor);
    return { view: edited, descriptor: lazy(() => describedAnew(descriptor, view, edited)) };
  }
  if (view.kind === "index") {
    const edited = mapLevel(view, { ...mapping, depth: mapping.depth + 1 });
    return { view: edited, descriptor: lazy(() => describedAnew(descriptor, view, edited)) };
  }
  return { view, descriptor: () => Promise.resolve(descriptor) };
}

/** Returns the descriptor of a member that was edited. */
async function describedAnew(
  descriptor: Descriptor,
  before: Image | ImageIndex,
  after: Image | ImageIndex,
): Promise<Descriptor> {
  const digest = await after.digest();
  if (digest === descriptor.digest) return descriptor;
  return withFields(descriptor, {
    mediaType: await after.mediaType(),
    digest,
    size: await after.size(),
    platform: descriptor.platform && await platformAfter(before, after),
    artifactType: await artifactTypeOf(after) ?? null,
    // Both are about the old bytes.
    data: null,
    urls: null,
  });
}

/** Returns the platform after an edit; `undefined` if it is the old one, of which an index may have more fields. */
async function platformAfter(before: Image | ImageIndex, after: Image | ImageIndex) {
  if (before.kind !== "image" || after.kind !== "image") return undefined;
  const [old, now] = await Promise.all([platformOf(before), platformOf(after)]);
  return sameJson(old, now) ? undefined : now;
}

/** Updates the annotation of an attestation that names its image; returns any other member unchanged. */
function withReference(member: MappedMember, byDigest: ReadonlyMap<Hash, MappedMember>): MappedMember {
  const descriptor = async () => {
    const own = await member.descriptor();
    const subject = byDigest.get(own.annotations?.[REFERENCE_DIGEST] as Hash);
    if (subject === undefined || subject === member) return own;
    const { digest } = await subject.descriptor();
    return { ...own, annotations: { ...own.annotations, [REFERENCE_DIGEST]: digest } };
  };
  return { view: member.view, descriptor };
}
