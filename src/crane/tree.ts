import { LimitError } from "../errors.ts";
import type { Image, ImageIndex } from "../image/mod.ts";
import { type AbortOptions, Limits, mapConcurrent, Tally } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { cosignTags, type Puller } from "../remote/mod.ts";
import { configPlatform, type Descriptor, type Hash, isConfig, manifestKind, type Platform } from "../spec/mod.ts";
import { findOrUndefined } from "../transport/internal.ts";
import { referenceIn, sourceName } from "../source/internal.ts";
import { type ImageSource, open } from "../source/mod.ts";
import { commandsOf } from "./layer_commands.ts";
import { type CraneOptions, pullerOf, referenceOf } from "./options.ts";

/** A blob in a {@linkcode TreeManifest}: a config or a layer. */
export interface TreeBlob {
  /** Its media type. */
  readonly mediaType: string;
  /** The digest of its stored bytes. */
  readonly digest: Hash;
  /** The number of its stored bytes. */
  readonly size: number;
  /** The command that created a layer, if the config's history gives it. */
  readonly createdBy?: string;
}

/** A manifest with all its content. */
export interface TreeManifest {
  /** Its kind; `missing` if the registry lists it but does not have it. */
  readonly kind: "image" | "index" | "other" | "missing";
  /** Its media type. */
  readonly mediaType: string;
  /** Its digest. */
  readonly digest: Hash;
  /** The number of bytes of the manifest itself. */
  readonly size: number;
  /** The size of the manifest and all its content in bytes, each digest counted once; without referrers. */
  readonly totalSize: number;
  /** Its platform in the index, else in its config. */
  readonly platform?: Platform;
  /** The type of the artifact. */
  readonly artifactType?: string;
  /** Its tag, for the entries of {@linkcode TreeManifest.cosign}. */
  readonly tag?: string;
  /** The members of an index, in order. */
  readonly manifests: readonly TreeManifest[];
  /** The config of an image. */
  readonly config?: TreeBlob;
  /** The layers of an image, the bottom one first. */
  readonly layers: readonly TreeBlob[];
  /** Its referrers, from the referrers API or the tag that replaces it. */
  readonly referrers: readonly TreeManifest[];
  /** The signatures, attestations and SBOMs that cosign stored under tags `sha256-<hex>.sig`, `.att`, `.sbom`. */
  readonly cosign: readonly TreeManifest[];
}

/** The deepest nesting of indexes and referrers that is followed. */
const MAX_DEPTH = 16;

/** The number of manifests that are requested at the same time on each level. */
const CONCURRENCY = 4;

/**
 * Returns the content of an image or an index as a tree: the members of an index, configs, layers, the referrers of
 * each manifest, and what cosign stored beside it. With a platform, only that image of an index. Reads no layer.
 *
 * @throws {LimitError} if it is deeper than 16 levels, or has more than 100,000 manifests or 1,000,000 layers.
 */
export async function tree(source: ImageSource, options: CraneOptions = {}): Promise<TreeManifest> {
  const { signal } = options;
  const reference = referenceIn(source);
  const puller = pullerOf(options);
  const view = await open(source, { ...options, puller });
  const referrerSource = reference === undefined
    ? undefined
    : { puller, repository: referenceOf(reference, options).repository };
  const builder = new TreeBuilder(referrerSource, sourceName(source));
  return await builder.manifest(view, await view.descriptor({ signal }), { signal, depth: 0, cosign: true });
}

/** The repository of the referrers. */
interface ReferrerSource {
  readonly puller: Puller;
  readonly repository: Repository;
}

/** Options for one manifest. */
interface TreeBuilderOptions extends AbortOptions {
  readonly depth: number;
  /** Whether to look for cosign's tags. */
  readonly cosign: boolean;
}

/** Builds the tree. */
class TreeBuilder {
  readonly #referrerSource: ReferrerSource | undefined;
  readonly #name: string;
  /** The referrers in the tree, as a registry could list them in a cycle. */
  readonly #referrers = new Set<Hash>();
  readonly #manifests: Tally;
  readonly #blobs: Tally;

  /** Creates a builder; without a referrer source, for an image that is not in a registry, it reads no referrers. */
  constructor(referrerSource: ReferrerSource | undefined, name: string) {
    this.#referrerSource = referrerSource;
    this.#name = name;
    this.#manifests = new Tally(Limits.manifests, `the members and referrers of ${name}`);
    this.#blobs = new Tally(Limits.blobs, `the layers of ${name}`);
  }

  async manifest(view: Image | ImageIndex, descriptor: Descriptor, options: TreeBuilderOptions): Promise<TreeManifest> {
    if (options.depth > MAX_DEPTH) {
      throw new LimitError(`${descriptor.digest} in ${this.#name} is more than ${MAX_DEPTH} levels deep`);
    }
    if (await findOrUndefined(() => view.rawManifest(options)) === undefined) return leaf("missing", descriptor);
    const content = view.kind === "image"
      ? await this.#imageContent(view, descriptor, options)
      : await this.#indexContent(view, options);
    const node = { kind: view.kind, ...factsOf(descriptor), ...content };
    return {
      ...node,
      totalSize: sizeOf(node),
      referrers: await this.#referrersOf(descriptor.digest, options),
      cosign: options.cosign ? await this.#cosignOf(descriptor.digest, options) : [],
    };
  }

  async #imageContent(image: Image, descriptor: Descriptor, options: TreeBuilderOptions): Promise<Content> {
    this.#blobs.add((await image.manifest(options)).layers.length);
    return await imageContent(image, descriptor, options);
  }

  async #indexContent(index: ImageIndex, options: TreeBuilderOptions): Promise<Content> {
    const { depth, signal } = options;
    this.#manifests.add((await index.manifest({ signal })).manifests.length);
    const children = await index.children({ signal });
    const manifests = await mapConcurrent(
      children,
      { concurrency: CONCURRENCY, signal },
      async ({ descriptor, view }, signal) =>
        view.kind === "layer" ||
          view.kind === "manifest"
          ? leaf("other", descriptor)
          : await this.manifest(view, descriptor, { ...options, signal, depth: depth + 1 }),
    );
    const { artifactType } = await index.manifest({ signal });
    return { manifests, layers: [], ...(artifactType ? { artifactType } : {}) };
  }

  async #referrersOf(digest: Hash, { depth, signal }: TreeBuilderOptions): Promise<TreeManifest[]> {
    if (!this.#referrerSource) return [];
    const { puller, repository } = this.#referrerSource;
    const index = await puller.referrers(repository.digest(digest), { signal });
    const fresh = (await index.manifest({ signal })).manifests.filter((descriptor) => {
      const seen = this.#referrers.has(descriptor.digest);
      this.#referrers.add(descriptor.digest);
      return !seen;
    });
    this.#manifests.add(fresh.length);
    return await mapConcurrent(fresh, { concurrency: CONCURRENCY, signal }, async (descriptor, signal) => {
      if (manifestKind(descriptor.mediaType) === "other") return leaf("other", descriptor);
      const reference = repository.digest(descriptor.digest);
      const found = await findOrUndefined(() => puller.get(reference, { signal }));
      return found
        ? await this.manifest(found.view(), descriptor, { signal, depth: depth + 1, cosign: false })
        : leaf("missing", descriptor);
    });
  }

  async #cosignOf(digest: Hash, { depth, signal }: TreeBuilderOptions): Promise<TreeManifest[]> {
    if (!this.#referrerSource) return [];
    const { puller, repository } = this.#referrerSource;
    const pool = { concurrency: CONCURRENCY, signal };
    const found = await mapConcurrent(cosignTags(digest), pool, async (tag, signal) => {
      const manifest = await findOrUndefined(() => puller.get(repository.tag(tag), { signal }));
      if (manifest === undefined) return [];
      const { descriptor } = manifest;
      if (manifestKind(descriptor.mediaType) === "other") return [{ ...leaf("other", descriptor), tag }];
      const node = await this.manifest(manifest.view(), descriptor, { signal, depth: depth + 1, cosign: false });
      return [{ ...node, tag }];
    });
    return found.flat();
  }
}

/** The content of a manifest. */
type Content =
  & Pick<TreeManifest, "manifests" | "layers">
  & Partial<Pick<TreeManifest, "config" | "artifactType" | "platform">>;

async function imageContent(image: Image, descriptor: Descriptor, { signal }: AbortOptions): Promise<Content> {
  const { config, layers, artifactType } = await image.manifest({ signal });
  const type = artifactType ?? (isConfig(config.mediaType) ? undefined : config.mediaType);
  // An artifact's config does not describe layers.
  const read = isConfig(config.mediaType) ? await image.configFile({ signal }) : undefined;
  const createdBy = read ? commandsOf(read, layers.length) : [];
  const platform = descriptor.platform ?? (read?.os ? configPlatform(read) : undefined);
  return {
    manifests: [],
    config: blobOf(config),
    layers: layers.map((layer, i) => ({ ...blobOf(layer), ...(createdBy[i] ? { createdBy: createdBy[i] } : {}) })),
    ...(type ? { artifactType: type } : {}),
    ...(platform ? { platform } : {}),
  };
}

function blobOf({ mediaType, digest, size }: Descriptor): TreeBlob {
  return { mediaType, digest, size };
}

function leaf(kind: "other" | "missing", descriptor: Descriptor): TreeManifest {
  const { size } = descriptor;
  return { kind, ...factsOf(descriptor), totalSize: size, manifests: [], layers: [], referrers: [], cosign: [] };
}

/** Returns the properties of a manifest from its descriptor. */
function factsOf({ mediaType, digest, size, platform, artifactType }: Descriptor): Omit<Descriptor, "annotations"> {
  return {
    mediaType,
    digest,
    size,
    ...(platform ? { platform } : {}),
    // A descriptor may repeat the media type of a runnable image's config as its artifact type.
    ...(artifactType && !isConfig(artifactType) ? { artifactType } : {}),
  };
}

function sizeOf(node: Pick<TreeManifest, "digest" | "size" | "manifests" | "config" | "layers">): number {
  const sizes = new Map<Hash, number>();
  const visit = ({ digest, size, manifests, config, layers }: typeof node) => {
    if (sizes.has(digest)) return;
    sizes.set(digest, size);
    for (const blob of [...config ? [config] : [], ...layers]) sizes.set(blob.digest, blob.size);
    manifests.forEach(visit);
  };
  visit(node);
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
