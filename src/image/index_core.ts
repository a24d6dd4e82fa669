import { NotFoundError } from "../errors.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { isOtherManifest } from "../spec/internal.ts";
import { type Descriptor, type Hash, manifestKind, parseIndexManifest } from "../spec/mod.ts";
import { manifestView } from "./image_core.ts";
import type { Image, ImageIndex, IndexChild, Layer, OtherManifest } from "./view.ts";

/** The least that makes an {@linkcode ImageIndex}. */
export interface IndexCore {
  /** The bytes of the index manifest. */
  rawManifest(options?: AbortOptions): Promise<Bytes>;
  /** The image that a member's descriptor points at. */
  image(descriptor: Descriptor): Image;
  /** The index that a member's descriptor points at. */
  index(descriptor: Descriptor): ImageIndex;
  /** The content of another type that a member's descriptor points at. */
  blob(descriptor: Descriptor): Layer;
  /**
   * The manifest, neither image nor index, that a member's descriptor points at.
   * @default such a member is taken for a blob
   */
  manifest?(descriptor: Descriptor): OtherManifest;
  /**
   * Whether a member of an unknown type is a manifest and no blob, where the source keeps the two apart.
   * @default false
   */
  isManifest?(descriptor: Descriptor, options?: AbortOptions): Promise<boolean>;
  /**
   * The members, in the manifest's order, where they are known before their digests are: the digest of the index is
   * known when theirs are.
   * @default those that the manifest names
   */
  members?(options?: AbortOptions): Promise<readonly IndexChild["view"][]>;
  /** The media type of the index, where its source has one; else it is read from the bytes. */
  readonly mediaType?: string | ((options?: AbortOptions) => Promise<string>);
  /**
   * Another index that must be read before this one is written.
   * @default none
   */
  readonly basedOn?: ImageIndex;
  /** The descriptor in the index that it comes from. */
  readonly descriptor?: Descriptor;
  /** The name of the index in an error: a reference, a path. */
  readonly what?: string;
}

/** An index of a manifest that exists already. Its bytes are kept as they are. */
export function indexFrom(core: IndexCore): ImageIndex {
  const { what = "index" } = core;
  const manifest = lazy(async () => parseIndexManifest(await core.rawManifest(), what));
  const viewOf = (descriptor: Descriptor): IndexChild["view"] => {
    switch (manifestKind(descriptor.mediaType)) {
      case "image":
        return core.image(descriptor);
      case "index":
        return core.index(descriptor);
      case "other":
        return core.manifest && isOtherManifest(descriptor.mediaType)
          ? core.manifest(descriptor)
          : core.blob(descriptor);
    }
  };
  const children = lazy(async () => (await manifest()).manifests.map((descriptor) => childOf(descriptor, viewOf)));
  const member = async (digest: Hash, kind: "image" | "index", options?: AbortOptions) => {
    const found = (await children(options)).find(({ descriptor }) => descriptor.digest === digest);
    if (found?.view.kind === kind) return found.view;
    throw new NotFoundError(
      found
        ? `${digest} in ${what} is not an ${kind} but ${found.descriptor.mediaType}`
        : `${what} has no member with the digest ${digest}`,
    );
  };
  const members = lazy(async () => {
    const found: IndexChild["view"][] = [];
    for (const { descriptor, view } of await children()) {
      const isManifest = view.kind === "layer" && await core.isManifest?.(descriptor);
      found.push(isManifest && core.manifest ? core.manifest(descriptor) : view);
    }
    return found;
  });
  const digestKnown = async (options?: AbortOptions) => {
    if (core.basedOn && !await core.basedOn.digestKnown(options)) return false;
    for (const view of await core.members?.(options) ?? []) if (!await view.digestKnown(options)) return false;
    return true;
  };
  return {
    kind: "index",
    ...manifestView({ ...core, digestKnown }, what),
    manifest,
    children,
    members: core.members ?? members,
    image: async (digest, options) => await member(digest, "image", options) as Image,
    index: async (digest, options) => await member(digest, "index", options) as ImageIndex,
  };
}

/**
 * Returns a member whose view is made when it is asked for, and again once it is in no use: a view keeps what it has
 * read, and an index can have very many members.
 */
function childOf(descriptor: Descriptor, viewOf: (descriptor: Descriptor) => IndexChild["view"]): IndexChild {
  let made: { deref(): IndexChild["view"] | undefined } | undefined;
  const child = {
    descriptor,
    get view() {
      const known = made?.deref();
      if (known) return known;
      const view = viewOf(descriptor);
      // Some edge runtimes have no weak references.
      made = typeof WeakRef === "undefined" ? { deref: () => view } : new WeakRef(view);
      return view;
    },
  };
  return child as IndexChild; // a member of a union, by the kind of its view
}
