import { checkView } from "../image/internal.ts";
import {
  type Image,
  type ImageIndex,
  type IndexChild,
  indexFrom,
  type Layer,
  type OtherManifest,
} from "../image/mod.ts";
import { type AbortOptions, lazy, mapConcurrent } from "../io/mod.ts";
import { indexManifestBytes, sortedJson } from "../spec/internal.ts";
import { type Descriptor, type Hash, type IndexManifest, isIndex } from "../spec/mod.ts";
import { sameJson } from "./fields.ts";
import { type EditExtras, rewriteManifest } from "./manifest_extras.ts";

/** A member of a new index. Every `IndexChild` is one. */
export interface IndexMember {
  /** The member. */
  readonly view: IndexChild["view"];
  /** The descriptor: given, or requested when the index is written. */
  readonly descriptor: Descriptor | (() => Promise<Descriptor>);
  /**
   * Whether the member is left out where one before it has the same descriptor.
   * @default false
   */
  readonly distinct?: boolean;
}

/** The edits of {@linkcode editIndex} to the parts of an index. Each is called once, when its part is read. */
export interface IndexEdit {
  /**
   * The members, in order.
   * @default they stay
   */
  members?(members: readonly IndexChild[]): readonly IndexMember[] | Promise<readonly IndexMember[]>;
  /**
   * Edits a copy of the manifest's fields besides type and members.
   * @default it stays
   */
  readonly manifest?: EditExtras;
  /**
   * The media type of the index. Its members keep theirs.
   * @default it stays
   */
  readonly mediaType?: string;
}

/** How many members are described at the same time. */
const CONCURRENCY = 4;

/**
 * Edits parts of an index. The base is not changed, nothing is read before the result is, and members are
 * passed on unchanged. An edit without effect returns an index with the same bytes.
 *
 * @throws {TypeError} when the media type is not one of an index.
 */
export function editIndex(base: ImageIndex, edit: IndexEdit): ImageIndex {
  checkView(base, "index");
  if (edit.mediaType !== undefined && !isIndex(edit.mediaType)) {
    throw new TypeError(`${edit.mediaType} is not the media type of an index`);
  }
  const mediaType = async (options?: AbortOptions) => edit.mediaType ?? await base.mediaType(options);
  const members = lazy(async (): Promise<readonly IndexMember[]> => {
    const before = await base.children();
    return edit.members ? await edit.members(before) : before;
  });
  const memberViews = async (options?: AbortOptions) =>
    edit.members ? (await members(options)).map(({ view }) => view) : await base.members(options);
  const views = new Map<Hash, IndexMember["view"]>();
  const rawManifest = lazy(async () => {
    const all = await members();
    const described = await mapConcurrent(all, { concurrency: CONCURRENCY }, async (member) => {
      const descriptor = typeof member.descriptor === "function" ? await member.descriptor() : member.descriptor;
      views.set(descriptor.digest, member.view);
      return descriptor;
    });
    const seen = new Set<string>();
    const manifests = described.filter((descriptor, i) => {
      const text = sortedJson(descriptor);
      const repeated = seen.has(text);
      seen.add(text);
      return !(all[i].distinct && repeated);
    });
    const before = await base.manifest();
    // An index without a type stays one, unless its type changes.
    const type = await mediaType() === await base.mediaType() ? before.mediaType : await mediaType();
    const parts = { schemaVersion: 2, mediaType: type, manifests };
    const after = await rewriteManifest<IndexManifest>(before, parts, edit.manifest);
    return sameJson(after, before) ? await base.rawManifest() : indexManifestBytes(after, await base.rawManifest());
  });
  const view = (descriptor: Descriptor) => views.get(descriptor.digest);
  return indexFrom({
    rawManifest,
    image: (descriptor) => view(descriptor) as Image,
    index: (descriptor) => view(descriptor) as ImageIndex,
    blob: (descriptor) => view(descriptor) as Layer,
    manifest: (descriptor) => view(descriptor) as OtherManifest,
    members: memberViews,
    // The descriptors of the base's members are not known before the base is read.
    basedOn: base,
    mediaType,
    what: "the edited index",
  });
}
