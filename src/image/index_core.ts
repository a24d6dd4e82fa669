import { NotFoundError } from "../errors.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { type Descriptor, type Hash, manifestKind, parseIndexManifest } from "../spec/mod.ts";
import { manifestView } from "./image_core.ts";
import type { Image, ImageIndex, IndexChild, Layer } from "./view.ts";

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
   * The members, in the manifest's order, where they are known before their digests are.
   * @default those that the manifest names
   */
  members?(options?: AbortOptions): Promise<readonly IndexChild["view"][]>;
  /** The media type of the index, where its source says one; else it is read from the bytes. */
  readonly mediaType?: string | ((options?: AbortOptions) => Promise<string>);
  /**
   * Whether the digest is known, or could be only by reading (and compressing) layers.
   * @default true
   */
  digestKnown?(options?: AbortOptions): Promise<boolean>;
  /** What the index that it came from says of it. */
  readonly descriptor?: Descriptor;
  /** What to call the index in an error: a reference, a path. */
  readonly what?: string;
}

/** An index of a manifest that exists already. Its bytes are kept as they are. */
export function indexFrom(core: IndexCore): ImageIndex {
  const { what = "index" } = core;
  const manifest = lazy(async () => parseIndexManifest(await core.rawManifest(), what));
  const child = (descriptor: Descriptor): IndexChild => {
    switch (manifestKind(descriptor.mediaType)) {
      case "image":
        return { descriptor, view: core.image(descriptor) };
      case "index":
        return { descriptor, view: core.index(descriptor) };
      case "other":
        return { descriptor, view: core.blob(descriptor) };
    }
  };
  const children = lazy(async () => (await manifest()).manifests.map(child));
  const member = async (digest: Hash, kind: "image" | "index", options?: AbortOptions) => {
    const found = (await children(options)).find(({ descriptor }) => descriptor.digest === digest);
    if (found?.view.kind === kind) return found.view;
    throw new NotFoundError(
      found
        ? `${digest} in ${what} is not an ${kind} but ${found.descriptor.mediaType}`
        : `${what} has no member with the digest ${digest}`,
    );
  };
  return {
    kind: "index",
    ...manifestView(core, what),
    manifest,
    children,
    members: async (options) => await core.members?.(options) ?? (await children(options)).map(({ view }) => view),
    image: async (digest, options) => await member(digest, "image", options) as Image,
    index: async (digest, options) => await member(digest, "index", options) as ImageIndex,
  };
}
